// A whole pipeline on fakes, in one thread, with time that the test controls.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

namespace postoffice::testing {

struct World {
  explicit World(PipelineOptions wanted = {},
                 MemoryQueue::Durability durability = MemoryQueue::Durability::at_once)
      : options(wanted), queue(clock, durability) {
    options.seed = 42;
  }

  void start(ObjectStore* other_store = nullptr) {
    ingress = std::make_unique<DirectIngress>();
    ObjectStore& used = other_store ? *other_store : store;
    pipeline =
        std::make_unique<Pipeline>(Pipeline::Parts{clock, *ingress, queue, source, used}, options);
    pipeline->start();
    clock.run_ready();
  }

  /// kill -9 and a new start.
  void restart(ObjectStore* other_store = nullptr) {
    pipeline.reset();
    queue.restart();
    start(other_store);
  }

  void advance(Duration span) { clock.advance(span); }

  /// Sends a callback; the time of its receipt if it was accepted at once.
  std::optional<Timestamp> send(const std::vector<ObjectId>& ids) {
    std::optional<Timestamp> received;
    ingress->send(ids, [&](std::error_code error, const Receipt& receipt) {
      if (!error) received = receipt.received_at;
    });
    clock.run_ready();
    return received;
  }

  std::optional<Object> row(ObjectId id) const {
    const auto objects = store.objects();
    const auto found = objects.find(id);
    return found == objects.end() ? std::nullopt : std::optional(found->second);
  }

  ManualClock clock;
  PipelineOptions options;
  MemoryQueue queue;
  FakeSource source;
  MemoryStore store;
  std::unique_ptr<DirectIngress> ingress;
  std::unique_ptr<Pipeline> pipeline;
};

inline bool balanced(const PipelineStatus& s) {
  return s.accepted_ids == s.stored + s.merged + s.not_found + s.expired + s.dead + s.pending;
}

}  // namespace postoffice::testing
