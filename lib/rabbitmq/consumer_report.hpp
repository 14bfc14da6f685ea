// What a consumer counts for its status.
#pragma once

#include <string>

#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/recent_event.hpp"

namespace postoffice::rabbitmq {

class ConsumerReport {
 public:
  void set_connected(bool connected) { counters_.connected = connected; }
  bool connected() const { return counters_.connected; }
  void redelivered() { ++counters_.redelivered; }
  void rejected(const std::string& what, SteadyTime now);
  void dead(std::uint64_t messages, SteadyTime now) { dead_.note(messages, now); }
  /// `messages` so far. Returns how many to tell of: 0 if none is new, or if that was told lately.
  std::uint64_t missing(std::uint64_t messages, SteadyTime now);

  RabbitQueueStatus status(SteadyTime now) const;

 private:
  RabbitQueueStatus counters_;
  RecentEvent rejected_;
  RecentEvent missing_;
  DeadQueueCount dead_;
};

}  // namespace postoffice::rabbitmq
