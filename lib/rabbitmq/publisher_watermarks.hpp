// How far each publisher of a shard was heard, and what follows for the frontier.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "postoffice/types.hpp"
#include "rabbitmq/message.hpp"

namespace postoffice::rabbitmq {

/// Hears every message of the shard in order, once the reader has it.
class PublisherWatermarks {
 public:
  void hear(const MessageHeader& message);
  void forget(std::uint64_t publisher);

  /// The least watermark. Timestamp::min() before any publisher was heard; if all have said
  /// goodbye, the last thing that was heard.
  Timestamp frontier() const;

  std::vector<std::uint64_t> publishers() const;                 ///< sorted
  std::vector<std::uint64_t> departed(Timestamp applied) const;  ///< sorted

 private:
  struct Watermark {
    std::uint64_t publisher;
    std::uint64_t session;
    std::uint64_t session_before;
    Timestamp newest;
    bool departed = false;
  };

  Watermark* find(std::uint64_t publisher);
  void update_frontier();

  std::vector<Watermark> watermarks_;  // by publisher
  Timestamp frontier_ = Timestamp::min();
};

}  // namespace postoffice::rabbitmq
