// Readiness of many sockets on an io_context, for two system calls a request.
#pragma once

#include <sys/epoll.h>

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <system_error>

namespace postoffice::net {

/// Something that waits for its file descriptor.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` as epoll reports them.
  virtual void on_events(std::uint32_t events) = 0;
};

/// Events that were found together.
class PollBatch {
 public:
  explicit PollBatch(std::span<epoll_event> events) : events_(events) {}
  /// Tells each Pollable.
  void dispatch();

 private:
  std::span<epoll_event> events_;
};

/// An epoll set that itself is one descriptor of the io_context.
///
/// Asio's own sockets try every read once more only to learn that there is nothing; registering
/// sockets here saves that system call on each request.
///
/// Threads: the io_context's only. The owner is kept alive while a wait is under way, until stop().
class Poller {
 public:
  /// `run_batch` is called for each batch of events and must dispatch it. Around that is the place
  /// to hold a lock, and behind it to write what the batch has produced.
  Poller(asio::io_context& context, std::function<void(PollBatch&)> run_batch);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { stop(); }

  std::error_code start(std::weak_ptr<void> owner);
  void stop();

  std::error_code add(int socket, std::uint32_t events, Pollable& pollable);
  void modify(int socket, std::uint32_t events, Pollable& pollable);
  void remove(int socket);

  /// After the batch that runs now, nothing is looked at for so long: what comes meanwhile is one
  /// batch.
  void rest(std::chrono::steady_clock::duration span) { rest_ = span; }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           asio::io_context::executor_type>;

  std::error_code wait();
  void look();
  void dispatch();

  // The io_context looks at the set only while it is to wake for it: it would even without a wait.
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> watched_;
  int set_ = -1;
  std::function<void(PollBatch&)> run_batch_;
  std::weak_ptr<void> owner_;
  Timer timer_;
  std::chrono::steady_clock::duration rest_{};
};

}  // namespace postoffice::net
