#include "core/retry_schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

TEST_CASE("delays grow from 100 ms to at most 5 s, with jitter (S7)") {
  RetrySchedule schedule(100ms, 5s, 42);
  for (int attempts = 1; attempts < 40; ++attempts) {
    const Duration ceiling = std::min<Duration>(5s, 100ms * (1 << std::min(attempts, 20)));
    Duration smallest = Duration::max(), largest{};
    for (int i = 0; i < 200; ++i) {
      const auto delay = schedule.delay(attempts, {});
      REQUIRE(delay >= 100ms);
      REQUIRE(delay <= ceiling);
      smallest = std::min(smallest, delay);
      largest = std::max(largest, delay);
    }
    CHECK(largest - smallest > (ceiling - Duration(100ms)) / 2);
  }
}

TEST_CASE("a Retry-After is honoured beyond the longest delay") {
  RetrySchedule schedule(100ms, 5s, 42);
  CHECK(schedule.delay(1, 20s) == 20s);
}

TEST_CASE("entries come out in the order of their times, and not before them") {
  RetrySchedule schedule(100ms, 5s, 42);
  const Timestamp start{1h};
  schedule.add(EntryIndex{1}, start + 2s);
  schedule.add(EntryIndex{2}, start + 1s);
  CHECK(schedule.next() == start + 1s);
  CHECK(schedule.take_due(start) == no_entry);
  CHECK(schedule.take_due(start + 3s) == EntryIndex{2});
  CHECK(schedule.take_due(start + 3s) == EntryIndex{1});
  CHECK(schedule.empty());
}
