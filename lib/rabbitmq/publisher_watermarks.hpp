// How far each publisher of a shard was heard, and what follows for the frontier.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "postoffice/clock.hpp"
#include "rabbitmq/message.hpp"

namespace postoffice::rabbitmq {

/// Hears every message of the shard in order, once the reader has it.
///
/// A watermark is a frontier or less, and is used later, when others may have been heard. It says
/// nothing of those: one whose clock is behind may have stamped below it. So the watermark is kept
/// with the time just before the frontier was read, and heard_before() tells who had part in it:
///
///   If P's time of hearing is before that time, P was part of the frontier.
///
/// For both are read from one clock that never goes back, the time of hearing under the lock under
/// which P becomes a part. Had that happened after the frontier was read, so after the other time
/// was, then P's time would not be before it. One who has left and is back is heard anew.
class PublisherWatermarks {
 public:
  explicit PublisherWatermarks(const Clock& clock) : clock_(clock) {}

  void hear(const MessageHeader& message);
  void forget(std::uint64_t publisher);

  /// The least watermark. Timestamp::min() before any publisher was heard; if all have said
  /// goodbye, the last thing that was heard.
  Timestamp frontier() const;

  std::vector<std::uint64_t> heard_before(Timestamp as_of) const;  ///< sorted
  std::vector<std::uint64_t> departed(Timestamp applied) const;    ///< sorted

 private:
  struct Watermark {
    std::uint64_t publisher;
    std::uint64_t session;
    std::uint64_t session_before;
    Timestamp newest;
    Timestamp heard;  // since when it counts
    bool departed = false;
  };

  Watermark* find(std::uint64_t publisher);
  void update_frontier();

  const Clock& clock_;
  std::vector<Watermark> watermarks_;  // by publisher
  Timestamp frontier_ = Timestamp::min();
};

}  // namespace postoffice::rabbitmq
