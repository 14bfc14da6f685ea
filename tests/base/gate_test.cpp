#include "base/gate.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using postoffice::Gate;

TEST_CASE("a gate that is closed lets nobody in, and ends at once if nobody is inside") {
  Gate gate;
  int ended = 0;
  REQUIRE(gate.enter());
  gate.leave();
  CHECK_FALSE(gate.closed());
  gate.close([&] { ++ended; });
  CHECK(ended == 1);
  CHECK(gate.closed());
  CHECK_FALSE(gate.enter());
  const Gate::Holder refused(gate);
  CHECK_FALSE(static_cast<bool>(refused));
}

TEST_CASE("a gate ends when the last one has left, and not before") {
  Gate gate;
  int ended = 0;
  REQUIRE(gate.enter());
  REQUIRE(gate.enter());
  gate.close([&] { ++ended; });
  CHECK_FALSE(gate.enter());
  gate.leave();
  CHECK(ended == 0);
  gate.leave();
  CHECK(ended == 1);
}

TEST_CASE("a gate may be closed again: before it has ended, after that, and as it ends") {
  Gate gate;
  std::vector<int> ended;
  REQUIRE(gate.enter());
  gate.close([&] {
    ended.push_back(1);
    gate.close([&] { ended.push_back(3); });
  });
  gate.close([&] { ended.push_back(2); });
  CHECK(ended.empty());
  gate.leave();
  CHECK(ended == std::vector{1, 3, 2});
  gate.close([&] { ended.push_back(4); });
  CHECK(ended.size() == 4);
}

TEST_CASE("what a gate was closed with may destroy it") {
  auto gate = std::make_unique<Gate>();
  bool inside = false;
  SUBCASE("in close()") {}
  SUBCASE("in leave()") { inside = gate->enter(); }
  gate->close([&] { gate.reset(); });
  if (inside) gate->leave();
  CHECK_FALSE(gate);
}

TEST_CASE("a holder is inside for as long as it lives, and its thread knows") {
  Gate gate;
  Gate other;
  bool ended = false;
  {
    const Gate::Holder outer(gate);
    const Gate::Holder inner(other);
    REQUIRE(static_cast<bool>(outer));
    CHECK(Gate::Holder::holds(gate));
    std::thread([&] { CHECK_FALSE(Gate::Holder::holds(gate)); }).join();
    gate.close([&] { ended = true; });
    CHECK_FALSE(ended);
    const Gate::Holder late(gate);
    CHECK_FALSE(static_cast<bool>(late));
  }
  CHECK(ended);
  CHECK_FALSE(Gate::Holder::holds(gate));
  gate.close_and_wait();
}

// Every round closes a gate while threads run in and out, and then takes away what it guards.
TEST_CASE("nobody is inside once a gate has ended, whatever the threads do") {
  for (int round = 0; round < 200; ++round) {
    Gate gate;
    std::optional<int> guarded = 0;
    std::atomic<int> ended{0};
    std::atomic<bool> started{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (;;) {
          const Gate::Holder inside(gate);
          if (!inside) return;
          if (!guarded) std::abort();
          started = true;
        }
      });
    }
    threads.emplace_back([&] {
      while (!started) std::this_thread::yield();
      gate.close([&] { ++ended; });
    });
    while (!started) std::this_thread::yield();
    gate.close_and_wait();
    guarded.reset();
    for (auto& thread : threads) thread.join();
    REQUIRE(ended == 1);
  }
}
