#include "net/deadline_wheel.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using postoffice::net::Deadline;
using postoffice::net::DeadlineWheel;

namespace {

struct Item : Deadline {
  DeadlineWheel::Time when;
  DeadlineWheel::Time expired{};
};

}  // namespace

TEST_CASE("a deadline expires after its time, at most two ticks late, whatever its distance") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const DeadlineWheel::Time start{1000h};
  DeadlineWheel wheel(start);
  std::deque<Item> items(2000);
  for (auto& item : items) {
    item.when = start + std::chrono::microseconds(random() % 40'000'000);
    wheel.add(item, item.when);
  }
  for (auto now = start; !wheel.empty(); now += 7ms) {
    REQUIRE(now < start + 60s);
    wheel.expire(now, [&](Deadline& deadline) { static_cast<Item&>(deadline).expired = now; });
  }
  for (const auto& item : items) {
    CHECK(item.expired >= item.when);
    CHECK(item.expired <= item.when + 2 * DeadlineWheel::tick_length + 7ms);
  }
}

TEST_CASE("a removed deadline does not expire, and may be added again") {
  const DeadlineWheel::Time start{1000h};
  DeadlineWheel wheel(start);
  Item item;
  int expired = 0;
  const auto count = [&](Deadline&) { ++expired; };
  wheel.add(item, start + 100ms);
  wheel.remove(item);
  wheel.remove(item);
  CHECK(wheel.empty());
  wheel.expire(start + 1s, count);
  CHECK(expired == 0);
  wheel.add(item, start);  // in the past
  wheel.expire(start + 1s + DeadlineWheel::tick_length, count);
  CHECK(expired == 1);
  CHECK(wheel.empty());
}

TEST_CASE("after a pause longer than a turn of the wheel everything due expires") {
  const DeadlineWheel::Time start{1000h};
  DeadlineWheel wheel(start);
  std::deque<Item> items(1000);
  for (std::size_t i = 0; i < items.size(); ++i) {
    wheel.add(items[i], start + std::chrono::milliseconds(37 * i));
  }
  int expired = 0;
  wheel.expire(start + 1h, [&](Deadline&) { ++expired; });
  CHECK(expired == 1000);
}
