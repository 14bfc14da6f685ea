// How far each publisher of a shard was heard, and what follows for the frontier.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "postoffice/types.hpp"
#include "rabbitmq/message.hpp"

namespace postoffice::rabbitmq {

/// Fed with every message in the order of the shard, once it has been handed on.
class PublisherWatermarks {
 public:
  void hear(const MessageHeader& message);
  void forget(std::uint64_t publisher);

  /// The least watermark. Timestamp::min() before anybody was heard; what the last one said if all
  /// have said goodbye.
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
