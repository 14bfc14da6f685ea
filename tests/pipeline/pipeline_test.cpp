#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "pipeline/world.hpp"
#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

TEST_CASE("a callback becomes rows with its receipt time and the online status of the source") {
  World world;
  world.start();
  const auto received = world.send({4, 5, 4});
  REQUIRE(received);
  world.advance(200ms);
  REQUIRE(world.row(4));
  CHECK(world.row(4)->online);
  CHECK(world.row(4)->last_seen == *received);
  CHECK_FALSE(world.row(5)->online);
  const auto status = world.pipeline->status();
  CHECK(status.accepted_ids == 2);
  CHECK(status.stored == 2);
  CHECK(status.queue.acknowledged == 1);
  CHECK(balanced(status));
}

TEST_CASE("a row is gone between 30 and 31 s after its last receipt (S6)") {
  World world;
  world.start();
  world.send({4});
  world.advance(10s);
  world.send({4});
  world.advance(30s);
  CHECK(world.row(4));
  world.advance(1s);
  CHECK_FALSE(world.row(4));
  CHECK(world.pipeline->status().deleted == 1);
}

TEST_CASE("a source that hangs for a minute makes no live row disappear (S4)") {
  World world;
  world.start();
  world.send({4});
  world.advance(1s);
  world.source.hold();
  for (int second = 0; second < 60; second += 5) {
    world.send({4});
    world.advance(5s);
    REQUIRE(world.row(4));
    CHECK(world.row(4)->last_seen >= world.clock.now() - 6s);
  }
}

TEST_CASE("a callback handed over as the frontier is read holds the watermark (S6)") {
  // The queue hands over what it holds at the very moment it is asked for its progress.
  struct Queue final : postoffice::Queue {
    explicit Queue(MemoryQueue& queue) : inner(queue) {}
    void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                AppendDone done) override {
      inner.append(ids, carried_from, std::move(done));
    }
    void read(std::size_t ids_max, ReadDone done) override { inner.read(ids_max, std::move(done)); }
    void acknowledge(Sequence up_to) override { inner.acknowledge(up_to); }
    QueueStatistics statistics() const override { return inner.statistics(); }
    QueueProgress progress() const override {
      if (const Pipeline* asked = std::exchange(pipeline, nullptr)) {  // it asks back
        // What the round before this one went by, before this one puts it right.
        greatest = std::max(greatest, asked->status().watermark);
        inner.flush();
        pipeline = asked;
      }
      return inner.progress();
    }
    MemoryQueue& inner;
    mutable const Pipeline* pipeline = nullptr;  // set: hands over from now on
    mutable Timestamp greatest{};                // watermark
  };
  World world({}, MemoryQueue::Durability::on_flush);
  Queue queue(world.queue);
  DirectIngress ingress;
  Pipeline pipeline({world.clock, ingress, queue, world.source, world.store}, world.options);
  pipeline.start();
  world.clock.run_ready();
  world.store.fail(Error::unavailable);  // nothing is committed, so the touch stays
  Timestamp received{};
  ingress.send(std::vector<ObjectId>{1},
               [&](std::error_code, const Receipt& receipt) { received = receipt.received_at; });
  world.advance(1s);
  queue.pipeline = &pipeline;
  world.advance(2s);
  queue.pipeline = nullptr;
  REQUIRE(received != Timestamp{});
  CHECK(queue.greatest <= received);
  CHECK(pipeline.status().watermark <= received);
}

TEST_CASE("rows that are no longer received expire although the source hangs") {
  World world;
  world.start();
  world.send({4, 6});
  world.advance(1s);
  world.source.hold();
  world.send({8});
  world.advance(31s);
  CHECK(world.store.objects().empty());
}

TEST_CASE("a store that is down delays no acceptance and gets the backlog when it is back (S9)") {
  World world;
  world.start();
  world.store.fail(Error::unavailable);
  for (int i = 0; i < 20; ++i) {
    CHECK(world.send({2 * i, 2 * i + 1}));
    world.advance(1s);
  }
  CHECK(world.store.objects().empty());
  CHECK_FALSE(world.pipeline->status().store_up);
  CHECK(world.pipeline->status().pending == 40);
  world.store.fail({});
  world.advance(3s);
  CHECK(world.store.objects().size() == 40);
  CHECK(world.pipeline->status().pending == 0);
  CHECK(world.pipeline->status().queue.acknowledged == 20);
}

TEST_CASE("ids accepted before a crash are fetched after it, with their own receipt time (S10)") {
  World world;
  world.start();
  world.source.hold();
  const auto received = world.send({4});
  world.advance(1s);
  world.restart();
  world.source.release();
  world.advance(1s);
  REQUIRE(world.row(4));
  CHECK(world.row(4)->last_seen == *received);
}

TEST_CASE("a late replay never resurrects a row (S6)") {
  World world;
  world.start();
  world.source.hold();
  world.send({4});
  world.pipeline.reset();
  world.clock.advance(600s);
  world.restart();
  world.advance(1s);
  world.source.release();
  world.advance(1s);
  CHECK_FALSE(world.row(4));
  const auto status = world.pipeline->status();
  CHECK(status.expired == 1);
  CHECK(status.pending == 0);
  CHECK(status.queue.acknowledged == 1);
}

TEST_CASE("an id that keeps failing becomes a durable dead letter and a success clears it (S7)") {
  World world;
  world.start();
  world.source.hold();
  const auto received = world.send({4});
  for (int i = 0; i < 800 && world.store.dead_letters().empty(); ++i) {
    FetchResult failure = FakeSource::failed(Error::refused);
    failure.reason = "HTTP 500";
    for (const auto id : world.source.held()) world.source.complete(id, failure);
    world.advance(50ms);
  }
  REQUIRE(world.store.dead_letters().contains(4));
  const DeadLetter letter = world.store.dead_letters().at(4);
  CHECK(letter.received_at == *received);
  CHECK(letter.failed_at >= *received + 30s);
  CHECK(letter.attempts >= 3);
  CHECK(letter.reason == "HTTP 500");
  CHECK(world.pipeline->status().dead == 1);
  world.source.release();
  world.send({4});
  world.advance(1s);
  CHECK(world.store.dead_letters().empty());
  CHECK(world.row(4));
}

TEST_CASE("a receipt is pending until each of its ids has ended, then applied") {
  using Progress = Pipeline::Progress;
  World world;
  world.start();
  world.source.hold();
  Receipt receipt;
  world.ingress->send({4, 6}, [&](std::error_code, const Receipt& r) { receipt = r; });
  world.clock.run_ready();
  const auto progress = [&](const Receipt& asked) {
    Progress result = Progress::unknown;
    world.pipeline->progress(asked, [&](Progress p) { result = p; });
    world.clock.run_ready();
    return result;
  };
  CHECK(progress(receipt) == Progress::pending);
  world.source.complete(4);
  world.advance(200ms);
  CHECK(progress(receipt) == Progress::pending);
  world.source.complete(6);
  world.advance(200ms);
  CHECK(progress(receipt) == Progress::applied);
  CHECK(progress({receipt.queue, receipt.sequence + 1, {}}) == Progress::unknown);
  CHECK(progress({receipt.queue + 1, receipt.sequence, {}}) == Progress::unknown);
}

TEST_CASE(
    "stopping awaits fetches in flight, accepts meanwhile, and leaves the rest queued (S10)") {
  World world;
  world.start();
  world.source.hold();
  world.send({4});
  bool stopped = false;
  world.pipeline->stop([&] { stopped = true; });
  world.clock.run_ready();
  CHECK_FALSE(stopped);
  CHECK(world.send({6}));
  world.source.complete(4);
  world.advance(500ms);
  CHECK(stopped);
  CHECK(world.row(4));
  CHECK_FALSE(world.ingress->accepting());
  world.source.release();
  world.restart();
  world.advance(1s);
  CHECK(world.row(6));
}

TEST_CASE("stopping gives up on fetches after the drain limit") {
  World world;
  world.start();
  world.source.hold();
  world.send({4});
  world.store.fail(Error::unavailable);
  bool stopped = false;
  world.pipeline->stop([&] { stopped = true; });
  world.advance(world.options.drain_limit - 100ms);
  CHECK_FALSE(stopped);
  world.advance(200ms);
  CHECK(stopped);
  bool again = false;
  world.pipeline->stop([&] { again = true; });
  world.clock.run_ready();
  CHECK(again);
}

TEST_CASE("a completion after the pipeline's end is ignored") {
  World world;
  world.start();
  world.source.hold();
  world.send({4});
  world.pipeline.reset();
  world.source.release();
  world.clock.advance(1s);
  CHECK(world.store.objects().empty());
}

TEST_CASE("options may change while it runs: what is stored lives by the new ttl (S6)") {
  World world;
  world.start();
  world.send({4});
  world.advance(20s);
  auto options = world.options;
  options.ttl = 60s;
  world.pipeline->change(options);
  world.advance(40s);
  CHECK(world.row(4));
  world.advance(1s);
  CHECK_FALSE(world.row(4));
  world.send({5});
  world.advance(10s);
  options.ttl = 5s;
  world.pipeline->change(options);
  world.advance(1s);
  CHECK_FALSE(world.row(5));
  options.ttl = 0s;
  CHECK_THROWS_AS(world.pipeline->change(options), std::invalid_argument);
}

TEST_CASE("a stop goes by the drain limit that holds when it begins") {
  World world;
  world.start();
  world.source.hold();
  world.send({4});
  world.advance(1s);
  auto options = world.options;
  options.drain_limit = 1s;
  world.pipeline->change(options);
  bool stopped = false;
  world.pipeline->stop([&] { stopped = true; });
  world.advance(900ms);
  CHECK_FALSE(stopped);
  world.advance(200ms);
  CHECK(stopped);
}

TEST_CASE("options that cannot work are refused by name") {
  World world;
  world.options.fetch_concurrency = 0;
  CHECK_THROWS_WITH_AS(world.start(), "pipeline options: fetch_concurrency must be positive",
                       std::invalid_argument);
}
