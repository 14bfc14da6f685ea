// What a publisher asks the broker about its queues, and what the answers mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "rabbitmq/frame_sink.hpp"
#include "rabbitmq/unread_queues.hpp"

namespace postoffice::rabbitmq {

/// One round of questions a second: each shard, then the dead queue. Answers come in the order of
/// the questions. No threads, no broker and no clock in here.
class QueueInspector {
 public:
  explicit QueueInspector(std::size_t shards) : shards_(shards) {}

  struct Finding {
    std::optional<std::size_t> shard;     ///< that the answer is about …
    bool consumed = false;                ///< … and whether somebody consumes it
    std::optional<std::uint64_t> dead{};  ///< messages in the dead queue; then the round is over
    std::uint64_t lost = 0;               ///< more than was known before
  };

  /// A new connection: what was asked on the old one will not be answered.
  void begin(SteadyTime now);

  /// True if all questions are to be put now, behind everything that was sent: so the broker has
  /// seen all of it when it answers. `confirmed` and `under_way`: messages, see UnreadQueues::Look.
  bool ask(SteadyTime now, std::uint64_t confirmed, std::uint64_t under_way);
  Finding hear(const QueueAnswer& answer);

  SteadyTime next_question() const { return next_question_; }

 private:
  const std::size_t shards_;
  UnreadQueues unread_;
  UnreadQueues::Look look_;     // being taken: the answers so far
  std::size_t unanswered_ = 0;  // questions
  SteadyTime next_question_{};
};

}  // namespace postoffice::rabbitmq
