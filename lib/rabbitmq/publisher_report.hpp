// What a publisher counts for its status.
#pragma once

#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/confirm_window.hpp"
#include "rabbitmq/recent_event.hpp"

namespace postoffice::rabbitmq {

class PublisherReport {
 public:
  void taken() { ++counters_.unconfirmed; }  ///< a callback, into the line
  void refused() { ++counters_.refused; }
  void returned() { ++counters_.returned; }
  /// `open`: the connection still works.
  void ended(const Ended& ended, bool open, SteadyTime now);
  void dead(std::uint64_t messages, SteadyTime now) { dead_.note(messages, now); }
  /// True if it is news.
  bool lost(std::uint64_t messages, SteadyTime now);

  std::size_t unconfirmed() const { return counters_.unconfirmed; }
  RabbitPublisherStatus status(SteadyTime now) const;

 private:
  RabbitPublisherStatus counters_;
  RecentEvent lost_;
  DeadQueueCount dead_;
};

}  // namespace postoffice::rabbitmq
