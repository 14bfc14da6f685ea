// The fetch stage in front of servers of the ordinary kinds, in simulated time.
#include "core/fetch_stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/simulated_server.hpp"

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Kind {
  const char* name;
  ServerModel server;
  double capacity;  // answers a second
};

// What the usual latencies are, a queue of some seconds included.
Duration usual(const Kind& kind) { return 3s + 2 * kind.server.service_max; }

const std::vector<Kind> kinds{
    {"one thread, 10/s", {1, 100ms, 100ms}, 10},
    {"one thread, 20/s", {1, 50ms, 50ms}, 20},
    {"one thread, 20/s, few are let wait", {1, 50ms, 50ms, 5}, 20},
    {"pre-forking, 20/s", {4, 200ms, 200ms, 2048}, 20},
    {"32 threads, 14/s", {32, 300ms, 4300ms}, 13.9},
    {"32 threads, 503 beyond", {32, 300ms, 4300ms, 0, true}, 13.9},
    {"event-driven, 1,000/s", {4, 4ms, 4ms}, 1'000},
    {"event-driven, 10,000/s", {10, 1ms, 1ms}, 10'000},
};

void run_at_half_load(ServedWorld& world, const Kind& kind) {
  world.new_ids_a_second(kind.capacity / 2);
  world.run(20s);
}

/// All live ids have rows by `end`, and from then on none waits for longer than usual.
void check_full_service(ServedWorld& world, const Kind& kind, Duration end) {
  world.run(end - world.now());
  CHECK(world.live_rows(usual(kind)) >= 0.93);
  world.run(60s);
  CHECK(world.live_rows(usual(kind)) == 1);
  CHECK(world.slowest(end + 30s) <= usual(kind));
}

}  // namespace

// A source has 30 s for the backlog from when it has the capacity: the burst is older than ttl, and
// what came meanwhile is as much as comes in the next 30 s.
TEST_CASE("at half load every kind of source is well again after a burst (S9)") {
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    ServedWorld world(kind.server);
    run_at_half_load(world, kind);
    CHECK(world.live_rows(usual(kind)) == 1);
    world.receive_new(static_cast<int>(50 * kind.capacity));
    check_full_service(world, kind, 20s + 30s + 30s + 30s);
    CHECK(world.in_vain() <= 256);
  }
}

TEST_CASE("at half load every kind of source is well again after 60 s away (S9)") {
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    ServedWorld world(kind.server);
    run_at_half_load(world, kind);
    world.stop_server();
    world.run(60s);
    world.start_server();
    check_full_service(world, kind, 20s + 60s + 30s + 15s);
    CHECK(world.in_vain() <= 16);
  }
}

TEST_CASE("a source that stood still is well again when it has worked off what it had") {
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    ServedWorld world(kind.server);
    run_at_half_load(world, kind);
    world.freeze_server(60s);
    world.run(60s);
    check_full_service(world, kind, 20s + 60s + 30s + 40s);
  }
}

TEST_CASE("good ids wait for nobody, however many others the source answers with errors (S7)") {
  for (const int bad : {1'000, 20'000, 100'000}) {
    CAPTURE(bad);
    ServedWorld world({1'000, 1ms, 2ms});
    world.fails = [](ObjectId id) { return id < 100'000; };
    world.new_ids_a_second(2);
    for (int round = 0; round < 8; ++round) {
      for (ObjectId id = 0; id < bad; ++id) world.receive(id);
      world.run(5s);
    }
    CHECK_FALSE(world.stage().breaker().open());
    CHECK(world.stage().limit() >= 256);
    // At first they are as new as the good ones.
    CHECK(world.slowest(bad > 1'000 ? 5s : 0s) <= 1s);
  }
}

TEST_CASE("ids that are never answered leave room for the others (S7)") {
  ServedWorld world({1'000, 300ms, 4300ms});
  world.hangs = [](ObjectId id) { return id < 150; };
  world.new_ids_a_second(10);
  for (int round = 0; round < 12; ++round) {
    for (ObjectId id = 0; id < 150; ++id) world.receive(id);
    world.run(5s);
  }
  CHECK_FALSE(world.stage().breaker().open());
  CHECK(world.slowest(0s) <= 4400ms);
}

TEST_CASE("with the source down, ids that were never tried are probed first") {
  ServedWorld world({100, 1ms, 1ms});
  world.stop_server();
  world.receive_new(100);
  world.run(10s);
  REQUIRE(world.stage().breaker().open());
  world.receive_new(1);
  const Duration received = world.now();
  world.start_server();
  world.run(1500ms);
  CHECK_FALSE(world.stage().breaker().open());
  CHECK(world.slowest(received) <= 1100ms);
}

TEST_CASE("a source that nobody asks is not called silent (S9)") {
  ServedWorld world({1, 1ms, 1ms});
  world.stop_server();
  world.receive_new(100);
  world.run(20s);
  CHECK(world.silent());
  world.run(300s);  // a probe a second, and all have been given up
  REQUIRE(world.counters().pending == 0);
  CHECK_FALSE(world.silent());
  world.receive_new(1);
  world.run(100ms);
  CHECK(world.silent());
  world.start_server();
  world.run(2s);
  CHECK_FALSE(world.silent());
  CHECK(world.live_rows(0s) == 1);
}

TEST_CASE("a burst of 200 ids goes out at once") {
  ServedWorld world({1, 50ms, 50ms});
  world.receive_new(200);
  world.run(0s);
  CHECK(world.stage().in_flight() == 200);
}

TEST_CASE("a source that takes all is used to 0.97 of the configured number, soon") {
  for (const int fetches : {1'000, 10'000}) {
    CAPTURE(fetches);
    PipelineOptions options;
    options.fetch_concurrency = static_cast<std::size_t>(fetches);
    ServedWorld world({100'000, 300ms, 4300ms}, options);
    world.receive_new(fetches * 15);
    world.run(18s);
    const auto before = world.served();
    world.run(8s);
    const double mean_latency = 2.3;
    CHECK(static_cast<double>(world.served() - before) >= 0.97 * fetches / mean_latency * 8);
    CHECK(world.counters().fetch_failures == 0);
  }
}

TEST_CASE("while a source works off what was given up, no more is put behind it") {
  ServedWorld world({1, 100ms, 100ms});
  world.receive_new(1'000);
  world.run(12s);  // the first burst has timed out
  CHECK(world.counters().fetch_failures > 100);
  const auto before = world.counters().fetches;
  world.run(8s);
  CHECK(world.counters().fetches - before <= 8);
  world.run(20s);
  CHECK(world.counters().fetches - before >= 50);
}
