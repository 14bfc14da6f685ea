// The socket of a client, and what is waited for on it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/poller.hpp"

namespace postoffice::http {

/// Edge-triggered: a socket that was emptied costs nothing until more arrives. So each event must
/// be followed by reads until there is no more: a read that did not fill the buffer was the last
/// (epoll(7), question 9), unless the client has finished sending, for that comes with no event of
/// its own.
class ClientSocket {
 public:
  /// `owner`: is told of the events.
  ClientSocket(int descriptor, net::Poller& poller, net::Pollable& owner);

  int descriptor() const { return descriptor_; }
  /// The events that are waited for; reading ones at first.
  std::uint32_t interest() const { return interest_; }
  void wait_for(bool input, bool output);
  /// It is the turn of others: the kernel is asked for another event.
  void read_on_later() { poller_.modify(descriptor_, interest_, owner_); }

  enum class Read { nothing, bytes, end, failed };
  /// Once. `bytes` is the part of `buffer` that was filled.
  Read read(std::span<char> buffer, std::string_view& bytes) const;
  /// A client that sends head and body apart, without TCP_NODELAY, sends the body when the head has
  /// been acknowledged. The kernel would wait 40 ms for an answer to send that along with.
  void acknowledge_at_once() const;

  void end_output() const;
  void close();

 private:
  const int descriptor_;
  std::uint32_t interest_;
  net::Poller& poller_;
  net::Pollable& owner_;
};

}  // namespace postoffice::http
