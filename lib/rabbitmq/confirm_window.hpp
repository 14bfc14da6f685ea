// What was published and not confirmed yet: which message belongs to which callback.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <system_error>
#include <vector>

#include "postoffice/queue.hpp"

namespace postoffice::rabbitmq {

enum class Kind : std::uint8_t { callback, carried, tick, goodbye };

/// A callback, or a round of ticks: one message in each of several shards.
struct Sent {
  Kind kind = Kind::tick;
  Sequence sequence = 0;
  Timestamp stamp{};
  std::uint32_t ids = 0;
  std::uint32_t messages = 0;
  std::chrono::steady_clock::time_point due{};  ///< not accepted if not confirmed by then
  Queue::AppendDone done;
};

struct Ended {
  Sent sent;
  std::error_code error;
  bool nacked = false;
};

/// Everything that is added ends exactly once: with its last confirm, or early with an error.
/// Messages are numbered from 1 in the order they were sent, as the broker does.
class ConfirmWindow {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// Neither `due` nor `sequence` decreases from one to the next.
  void add(Sent sent);

  void confirm(std::uint64_t tag, bool multiple, std::vector<Ended>& ended);
  void nack(std::uint64_t tag, bool multiple, std::vector<Ended>& ended);
  void returned(Sequence sequence, std::vector<Ended>& ended);
  void overdue(SteadyTime now, std::vector<Ended>& ended);
  /// The connection is gone: tags begin with 1 again.
  void fail_all(std::error_code error, std::vector<Ended>& ended);

  bool empty() const { return messages_.empty(); }
  std::size_t messages() const { return messages_.size(); }
  std::uint64_t confirmed() const { return confirmed_; }  ///< messages, over all connections
  SteadyTime next_due() const;

 private:
  struct Slot {
    Sent sent;
    std::uint32_t missing;  // confirms
    bool ended;
  };
  struct Message {
    std::uint64_t slot;
    bool answered;
  };

  void answer(std::uint64_t tag, bool multiple, bool nacked, std::vector<Ended>& ended);
  void answer(Message& message, bool nacked, std::vector<Ended>& ended);
  void end(Slot& slot, std::error_code error, bool nacked, std::vector<Ended>& ended);
  void drop_answered();

  std::deque<Slot> slots_;
  std::uint64_t first_slot_ = 0;
  std::uint64_t due_from_ = 0;  // all slots before it have ended
  std::deque<Message> messages_;
  std::uint64_t first_tag_ = 1;
  std::uint64_t confirmed_ = 0;
};

}  // namespace postoffice::rabbitmq
