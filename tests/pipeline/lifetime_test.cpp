// The orders and places in which a pipeline and its parts may be destroyed.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

// Each part on its own, so that a test takes them away in an order of its own.
struct Parts {
  explicit Parts(std::size_t fetches = 4) {
    PipelineOptions options;
    options.seed = 42;
    options.fetch_concurrency = options.fetch_limit_first = fetches;
    pipeline = std::make_unique<Pipeline>(
        Pipeline::Parts{*clock, *ingress, *queue, *source, *store}, options);
  }

  // With fetches and a transaction that have not come back, and more ids than may be fetched.
  void start_busy() {
    REQUIRE_FALSE(pipeline->start());
    clock->run_ready();
    ingress->send({1, 2});
    clock->advance(500ms);
    store->hold();
    source->hold();
    ingress->send({2, 3, 4, 5, 6, 7, 8, 9});
    clock->advance(500ms);
    REQUIRE(source->held().size() >= 4);
  }

  // The parts as numbers, so that orders can be counted through.
  static constexpr int clock_number = 0;
  static constexpr int queue_number = 2;
  static constexpr std::array others{0, 1, 2, 3, 4};
  static constexpr std::array all{0, 1, 2, 3, 4, 5};

  void take_away(int part) {
    switch (part) {
      case clock_number: return clock.reset();
      case 1: return ingress.reset();
      case queue_number: return queue.reset();
      case 3: return source.reset();
      case 4: return take_away_store();
      default: return pipeline.reset();
    }
  }

  // One that completes what it was given before it goes.
  void take_away_store() {
    store->release();
    store.reset();
  }

  std::unique_ptr<ManualClock> clock = std::make_unique<ManualClock>();
  std::unique_ptr<DirectIngress> ingress = std::make_unique<DirectIngress>();
  std::unique_ptr<MemoryQueue> queue = std::make_unique<MemoryQueue>(*clock);
  std::unique_ptr<FakeSource> source = std::make_unique<FakeSource>();
  std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>();
  std::unique_ptr<Pipeline> pipeline;
};

// Calls `take_away` for the parts in every order in which the clock outlives the queue.
template <std::size_t count>
void in_every_order(std::array<int, count> order, const std::function<void(Parts&)>& prepare) {
  do {
    const auto clock = std::find(order.begin(), order.end(), Parts::clock_number);
    const auto queue = std::find(order.begin(), order.end(), Parts::queue_number);
    if (clock < queue) continue;
    Parts parts;
    parts.start_busy();
    prepare(parts);
    for (const int part : order) parts.take_away(part);
  } while (std::next_permutation(order.begin(), order.end()));
}

// The pipeline on threads: the clock's own, and one on which the source answers.
struct Threads {
  Threads() {
    PipelineOptions options;
    options.seed = 42;
    options.drain_limit = 20ms;
    source.hold();
    pipeline = std::make_unique<Pipeline>(Pipeline::Parts{*clock, ingress, *queue, source, store},
                                          options);
    REQUIRE_FALSE(pipeline->start());
    ingress.send({1, 2, 3, 4, 5, 6, 7, 8});
    loop.start();
    while (source.held().size() < 8) std::this_thread::yield();
    answering = std::thread([this] {
      go.wait(false);
      source.release();
    });
  }
  ~Threads() {
    release();
    answering.join();
  }
  void release() {
    go = true;
    go.notify_all();
  }

  EventLoop loop;
  std::unique_ptr<SystemClock> clock = std::make_unique<SystemClock>(loop);
  DirectIngress ingress;
  std::unique_ptr<MemoryQueue> queue = std::make_unique<MemoryQueue>(*clock);
  FakeSource source;
  MemoryStore store;
  std::unique_ptr<Pipeline> pipeline;
  std::atomic<bool> go{false};
  std::thread answering;
};

}  // namespace

TEST_CASE("a pipeline may be destroyed inside the completion of its stop") {
  Parts parts;
  REQUIRE_FALSE(parts.pipeline->start());
  parts.clock->run_ready();
  parts.ingress->send({1, 2});
  int stopped = 0;
  parts.pipeline->stop([&] {
    ++stopped;
    parts.pipeline.reset();
  });
  parts.pipeline->stop([&] { ++stopped; });
  parts.clock->advance(5s);
  CHECK(stopped == 2);
  CHECK_FALSE(parts.pipeline);
}

TEST_CASE("completions after a pipeline's end touch nothing") {
  Parts parts;
  parts.start_busy();
  parts.pipeline.reset();
  parts.clock.reset();
  parts.source->release();
  parts.store->release();
  parts.queue.reset();  // the waiting read ends
  CHECK_FALSE(parts.pipeline);
}

TEST_CASE("after a stop, a pipeline and its parts may be destroyed in any order") {
  int stopped = 0;
  in_every_order(Parts::all, [&](Parts& parts) {
    parts.pipeline->stop([&] { ++stopped; });
    parts.clock->advance(10s);
  });
  CHECK(stopped == 360);
}

TEST_CASE("without a stop the pipeline is destroyed first, its parts in any order") {
  in_every_order(Parts::others, [&](Parts& parts) { parts.pipeline.reset(); });
}

TEST_CASE(
    "destroyed in the middle of a stop, a pipeline touches nothing, and that stop is never done") {
  bool stopped = false;
  in_every_order(Parts::others, [&](Parts& parts) {
    parts.pipeline->stop([&] { stopped = true; });
    parts.clock->advance(1s);
    parts.pipeline.reset();
  });
  CHECK_FALSE(stopped);
}

TEST_CASE("a stopped pipeline calls no part by itself, and still gives its status") {
  Parts parts;
  parts.start_busy();
  parts.pipeline->stop([] {});
  parts.clock->advance(10s);
  const auto before = parts.pipeline->status();
  const auto asked = parts.source->asked().size();
  parts.source->release();
  parts.store->release();
  const auto rows = parts.store->objects().size();
  CHECK(parts.clock->advance(60s) <= 8);  // what had been set before, and nothing after that
  CHECK(parts.source->asked().size() == asked);
  CHECK(parts.store->objects().size() == rows);
  const auto after = parts.pipeline->status();
  CHECK(after.pending == before.pending);
  CHECK(after.accepted_ids == after.stored + after.merged + after.pending);
  bool known = false;
  parts.pipeline->progress({1, 2, {}},
                           [&](auto how) { known = how == Pipeline::Progress::pending; });
  parts.clock->run_ready();
  CHECK(known);
  CHECK(parts.pipeline->start() == Error::stopped);
}

TEST_CASE("stop() may be called anywhere, and each is done once") {
  Parts parts;
  int stopped = 0;
  const auto stop = [&] { parts.pipeline->stop([&] { ++stopped; }); };
  parts.source = std::make_unique<FakeSource>([&](ObjectId id) {
    if (id == 1) stop();  // from within a part, in a round
    return FakeSource::found(id, true);
  });
  parts.pipeline = std::make_unique<Pipeline>(
      Pipeline::Parts{*parts.clock, *parts.ingress, *parts.queue, *parts.source, *parts.store});
  REQUIRE_FALSE(parts.pipeline->start());
  parts.clock->run_ready();
  parts.ingress->send({1});
  parts.clock->run_ready();
  REQUIRE(parts.source->asked().size() == 1);
  parts.ingress->send({2}, [&](std::error_code, const Receipt&) { stop(); });
  parts.clock->call_at(Timestamp::min(), stop);
  parts.pipeline->stop([&] {
    ++stopped;
    stop();
  });
  parts.clock->advance(10s);
  CHECK(stopped == 5);
}

TEST_CASE("a pipeline that never started is stopped at once") {
  Parts parts;
  bool stopped = false;
  parts.pipeline->stop([&] { stopped = true; });
  parts.clock->run_ready();
  CHECK(stopped);
}

TEST_CASE("a pipeline may be destroyed inside the completion of progress()") {
  Parts parts;
  parts.start_busy();
  int answered = 0;
  parts.pipeline->progress({1, 1, {}}, [&](auto) {
    ++answered;
    parts.pipeline.reset();
  });
  parts.pipeline->progress({1, 99, {}}, [&](auto) { ++answered; });
  parts.clock->run_ready();
  CHECK(answered == 2);
}

TEST_CASE("answers that arrive while a pipeline is destroyed do not touch a destroyed clock") {
  for (int round = 0; round < 50; ++round) {
    Threads threads;
    if (round % 2 == 0) threads.release();
    threads.pipeline.reset();
    threads.queue.reset();
    threads.clock.reset();
  }
}

TEST_CASE("stop_and_wait() from several threads at once, then the clock is destroyed first") {
  for (int round = 0; round < 10; ++round) {
    Threads threads;
    if (round % 2 == 0) threads.release();
    std::thread other([&] { threads.pipeline->stop_and_wait(); });
    threads.pipeline->stop_and_wait();
    other.join();
    threads.pipeline->stop_and_wait();
    threads.queue.reset();
    threads.clock.reset();
    threads.release();
  }
}
