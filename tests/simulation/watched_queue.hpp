// The queue as the pipeline sees it, with somebody who looks on.
#pragma once

#include <utility>

#include "postoffice/queue.hpp"
#include "simulation/oracle.hpp"

namespace postoffice::simulation {

class WatchedQueue final : public Queue {
 public:
  WatchedQueue(Queue& queue, Oracle& oracle) : queue_(queue), oracle_(oracle) {}

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              AppendDone done) override {
    queue_.append(ids, carried_from, std::move(done));
  }
  void read(std::size_t ids_max, ReadDone done) override {
    queue_.read(ids_max, [this, done = std::move(done)](std::error_code error, Delivery delivery) {
      for (const QueuedCallback& entry : delivery.entries) {
        for (auto place = entry.ids_begin; place != entry.ids_end; ++place) {
          oracle_.handed(delivery.ids[place], entry.received_at);
        }
      }
      done(error, std::move(delivery));
    });
  }
  void acknowledge(Sequence up_to) override { queue_.acknowledge(up_to); }
  QueueProgress progress() const override { return queue_.progress(); }
  QueueStatistics statistics() const override { return queue_.statistics(); }

 private:
  Queue& queue_;
  Oracle& oracle_;
};

}  // namespace postoffice::simulation
