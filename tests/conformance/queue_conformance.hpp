// The contract of every Queue, as tests. A harness type provides a queue:
//
//   struct Harness {
//     Queue& queue();
//     testing::ManualClock& clock();
//     void settle();   // makes durable what was appended, if the queue does not by itself
//     void restart();  // ends this run and begins another on the same storage
//   };
//
// The sequence in a receipt equals QueuedCallback::receipt; the callback's sequence may differ.
//
// and is run with POSTOFFICE_QUEUE_CONFORMANCE(Harness…).
#pragma once

#include <doctest/doctest.h>

#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>

#include "postoffice/error.hpp"
#include "postoffice/queue.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "support/eventually.hpp"

namespace postoffice::conformance {

/// Collects completions from any thread and waits for them, at most ten seconds.
template <typename Value>
class Mailbox {
 public:
  std::function<void(std::error_code, Value)> done() {
    return [state = state_](std::error_code error, Value value) {
      const std::lock_guard lock(state->mutex);
      state->items.emplace_back(error, std::move(value));
      state->changed.notify_all();
    };
  }

  bool wait(std::size_t count) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, std::chrono::seconds(10),
                                    [&] { return state_->items.size() >= count; });
  }

  std::size_t size() const {
    const std::lock_guard lock(state_->mutex);
    return state_->items.size();
  }

  std::pair<std::error_code, Value> at(std::size_t index) const {
    const std::lock_guard lock(state_->mutex);
    return state_->items.at(index);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::pair<std::error_code, Value>> items;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

template <typename Harness>
Receipt append(Harness& harness, std::vector<ObjectId> ids,
               std::optional<Timestamp> carried_from = {}) {
  Mailbox<Receipt> receipts;
  harness.queue().append(ids, carried_from, receipts.done());
  harness.settle();
  REQUIRE(receipts.wait(1));
  REQUIRE_FALSE(receipts.at(0).first);
  return receipts.at(0).second;
}

inline Delivery read(Queue& queue, std::size_t ids_max = 1000) {
  Mailbox<Delivery> deliveries;
  queue.read(ids_max, deliveries.done());
  REQUIRE(deliveries.wait(1));
  REQUIRE_FALSE(deliveries.at(0).first);
  return deliveries.at(0).second;
}

/// Reads until there are `count` callbacks, or more.
inline std::vector<Sequence> read_sequences(Queue& queue, std::size_t count) {
  std::vector<Sequence> sequences;
  while (sequences.size() < count) {
    for (const auto& entry : read(queue).entries) sequences.push_back(entry.sequence);
  }
  return sequences;
}

inline std::vector<ObjectId> ids_of(const Delivery& delivery, std::size_t entry) {
  const auto& at = delivery.entries.at(entry);
  return {delivery.ids.begin() + at.ids_begin, delivery.ids.begin() + at.ids_end};
}

/// The frontier moves just after a completion has returned, so a test may have to look again.
using testing::eventually;
using Ids = std::vector<ObjectId>;

TEST_CASE_TEMPLATE_DEFINE(
    "what is appended is read, sorted and distinct, with the time of its receipt", Harness,
    queue_reads_back) {
  Harness harness;
  const auto receipt = append(harness, {3, 1, 2, 3, 1});
  CHECK(receipt.sequence > 0);
  CHECK(receipt.received_at == harness.clock().now());
  const auto delivery = read(harness.queue());
  REQUIRE(delivery.entries.size() == 1);
  CHECK(delivery.entries[0].receipt == receipt.sequence);
  CHECK(delivery.entries[0].received_at == receipt.received_at);
  CHECK_FALSE(delivery.entries[0].carried);
  CHECK(ids_of(delivery, 0) == Ids{1, 2, 3});
}

TEST_CASE_TEMPLATE_DEFINE("an empty callback and every int64 come through", Harness,
                          queue_takes_any_ids) {
  Harness harness;
  const auto least = std::numeric_limits<ObjectId>::min();
  const auto greatest = std::numeric_limits<ObjectId>::max();
  append(harness, {});
  append(harness, {greatest, 0, least, -1});
  auto delivery = read(harness.queue());
  if (delivery.entries.size() == 1) {
    CHECK(ids_of(delivery, 0).empty());
    delivery = read(harness.queue());
  }
  CHECK(ids_of(delivery, delivery.entries.size() - 1) == Ids{least, -1, 0, greatest});
}

TEST_CASE_TEMPLATE_DEFINE("a read waits for an append", Harness, queue_reads_wait) {
  Harness harness;
  Mailbox<Delivery> deliveries;
  harness.queue().read(10, deliveries.done());
  CHECK(deliveries.size() == 0);
  append(harness, {7});
  REQUIRE(deliveries.wait(1));
  CHECK(deliveries.at(0).second.ids == Ids{7});
}

TEST_CASE_TEMPLATE_DEFINE("sequences rise by one and times never fall", Harness, queue_sequences) {
  Harness harness;
  auto before = append(harness, {1});
  for (int i = 0; i < 5; ++i) {
    if (i % 2 == 0) harness.clock().advance(Duration(10));
    const auto receipt = append(harness, {i});
    CHECK(receipt.sequence == before.sequence + 1);
    CHECK(receipt.received_at >= before.received_at);
    CHECK(receipt.queue == before.queue);
    before = receipt;
  }
}

TEST_CASE_TEMPLATE_DEFINE(
    "a delivery holds about as many ids as asked for, and at least one callback", Harness,
    queue_deliveries) {
  Harness harness;
  for (int i = 0; i < 4; ++i) append(harness, {1, 2, 3});
  CHECK(read(harness.queue(), 1).entries.size() == 1);
  CHECK(read(harness.queue(), 6).entries.size() <= 2);
}

TEST_CASE_TEMPLATE_DEFINE(
    "everything is read once and in order, even when a completion reads again", Harness,
    queue_order) {
  Harness harness;
  struct Reader {
    Queue& queue;
    std::mutex mutex;
    std::vector<Sequence> seen;
    void next() {
      queue.read(2, [this](std::error_code error, Delivery delivery) {
        if (error) return;
        {
          const std::lock_guard lock(mutex);
          for (const auto& entry : delivery.entries) seen.push_back(entry.receipt);
        }
        next();
      });
    }
    std::size_t count() {
      const std::lock_guard lock(mutex);
      return seen.size();
    }
  };
  const std::unique_ptr<Reader> reader(new Reader{harness.queue(), {}, {}});
  reader->next();
  const auto first = append(harness, {0});
  for (int i = 1; i < 100; ++i) append(harness, {i});
  REQUIRE(eventually([&] { return reader->count() == 100; }));
  for (std::size_t i = 0; i < 100; ++i) CHECK(reader->seen[i] == first.sequence + i);
  harness.restart();  // ends the read while `reader` still lives
}

TEST_CASE_TEMPLATE_DEFINE("a carried callback keeps its time and says so", Harness, queue_carried) {
  Harness harness;
  const auto then = harness.clock().now();
  harness.clock().advance(Duration(1000));
  const auto carried = append(harness, {5}, then);
  const auto after = append(harness, {6});
  CHECK(after.received_at == harness.clock().now());
  auto delivery = read(harness.queue());
  CHECK(delivery.entries[0].received_at == then);
  CHECK(delivery.entries[0].carried);
  CHECK(delivery.entries[0].receipt == carried.sequence);
}

TEST_CASE_TEMPLATE_DEFINE("the frontier is the oldest callback that was not handed over, or now",
                          Harness, queue_frontier) {
  Harness harness;
  auto frontier = [&] { return harness.queue().progress().frontier; };
  CHECK(eventually([&] { return frontier() == harness.clock().now(); }));
  const auto receipt = append(harness, {1});
  harness.clock().advance(Duration(500));
  append(harness, {2}, receipt.received_at - Duration(1000));
  CHECK(eventually([&] { return frontier() == receipt.received_at; }));
  auto seen = read(harness.queue(), 1).entries.size();
  while (seen < 2) seen += read(harness.queue(), 1).entries.size();
  CHECK(eventually([&] { return frontier() == harness.clock().now(); }));
}

TEST_CASE_TEMPLATE_DEFINE(
    "inside a read's completion the frontier still covers what is handed over", Harness,
    queue_frontier_inside) {
  Harness harness;
  const auto receipt = append(harness, {1});
  harness.clock().advance(Duration(500));
  Mailbox<Delivery> deliveries;
  Timestamp inside{};
  harness.queue().read(10, [&, done = deliveries.done()](std::error_code error, Delivery got) {
    inside = harness.queue().progress().frontier;
    done(error, std::move(got));
  });
  REQUIRE(deliveries.wait(1));
  CHECK(inside == receipt.received_at);
}

TEST_CASE_TEMPLATE_DEFINE(
    "what was acknowledged is forgotten, the rest is read again by the next run", Harness,
    queue_forgets) {
  Harness harness;
  const auto first = append(harness, {1});
  const auto second = append(harness, {2}, first.received_at - Duration(5));
  const auto sequences = read_sequences(harness.queue(), 2);
  harness.queue().acknowledge(sequences[0]);
  CHECK(harness.queue().progress().acknowledged == sequences[0]);
  harness.restart();
  const auto delivery = read(harness.queue());
  REQUIRE(delivery.entries.size() == 1);
  CHECK(delivery.entries[0].receipt == second.sequence);
  CHECK(delivery.entries[0].received_at == second.received_at);
  CHECK_FALSE(delivery.entries[0].carried);
  const auto third = append(harness, {3});
  CHECK(third.sequence > second.sequence);
  CHECK(third.queue == first.queue);
}

TEST_CASE_TEMPLATE_DEFINE(
    "an acknowledgement is cumulative and reaches no further than what was handed over", Harness,
    queue_acknowledges) {
  Harness harness;
  append(harness, {1});
  const auto first = read_sequences(harness.queue(), 1)[0];
  const auto second = append(harness, {2});
  harness.queue().acknowledge(first + 100);
  CHECK(harness.queue().progress().acknowledged == first);
  harness.queue().acknowledge(0);
  CHECK(harness.queue().progress().acknowledged == first);
  CHECK(read(harness.queue()).entries.at(0).receipt == second.sequence);
}

TEST_CASE_TEMPLATE_DEFINE("the progress counts distinct ids and callbacks, carried ones not",
                          Harness, queue_counts) {
  Harness harness;
  append(harness, {1, 2, 2});
  append(harness, {3}, harness.clock().now());
  const auto counts = [&](std::uint64_t ids, std::uint64_t callbacks) {
    const auto progress = harness.queue().progress();
    return progress.accepted_ids == ids && progress.accepted_callbacks == callbacks;
  };
  CHECK(eventually([&] { return counts(2, 1); }));
  CHECK(harness.queue().statistics().writable);
  harness.restart();
  CHECK(eventually([&] { return counts(3, 2); }));
}

TEST_CASE_TEMPLATE_DEFINE("the statistics tell since when callbacks are kept", Harness,
                          queue_since) {
  Harness harness;
  const auto first = append(harness, {1});
  harness.clock().advance(Duration(100));
  const auto second = append(harness, {2});
  const auto since = [&] { return harness.queue().statistics().acknowledged_at; };
  CHECK(eventually([&] { return since() == first.received_at; }));
  const auto sequences = read_sequences(harness.queue(), 2);
  harness.clock().advance(Duration(100));
  harness.queue().acknowledge(sequences[0]);
  CHECK(eventually([&] { return since() == second.received_at; }));
  harness.queue().acknowledge(sequences[1]);
  CHECK(eventually([&] { return since() == harness.clock().now(); }));
}

TEST_CASE_TEMPLATE_DEFINE("a waiting read is stopped with the queue", Harness, queue_stops) {
  Harness harness;
  Mailbox<Delivery> deliveries;
  harness.queue().read(10, deliveries.done());
  harness.restart();
  REQUIRE(deliveries.wait(1));
  CHECK(deliveries.at(0).first == Error::stopped);
}

}  // namespace postoffice::conformance

#define POSTOFFICE_QUEUE_CONFORMANCE(...)                                                 \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_reads_back, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_takes_any_ids, __VA_ARGS__);   \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_reads_wait, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_sequences, __VA_ARGS__);       \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_deliveries, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_order, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_carried, __VA_ARGS__);         \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_frontier, __VA_ARGS__);        \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_frontier_inside, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_forgets, __VA_ARGS__);         \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_acknowledges, __VA_ARGS__);    \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_counts, __VA_ARGS__);          \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_since, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(postoffice::conformance::queue_stops, __VA_ARGS__)
