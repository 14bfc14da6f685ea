#include "core/concurrency_limit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <random>
#include <vector>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

constexpr Duration mean_latency = 2300ms;
constexpr std::size_t first = 256;
constexpr std::size_t no_ceiling = 1'000'000;
const Timestamp start{std::chrono::hours(1)};

/// A source that takes so many fetches at a time and refuses the others at once, and a client that
/// always has more to ask. Time is simulated.
class World {
 public:
  using Capacity = std::function<std::size_t(Duration)>;
  using Limit = std::function<std::size_t(Duration)>;

  World(std::uint64_t seed, Capacity capacity, std::size_t ceiling = no_ceiling)
      : random_(seed), capacity_(std::move(capacity)), ceiling_(ceiling) {}

  /// `fixed`: a client that knows, instead of one that finds out.
  void run(Duration end, const Limit& fixed = {}) {
    while (now_ < end) {
      while (events_.size() < (fixed ? fixed(now_) : limit.under(ceiling_))) begin();
      limit.reached(true, events_.size(), start + now_);
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      end_of(event);
    }
  }

  std::uint64_t answers_between(Duration from, Duration to) const {
    std::uint64_t count = 0;
    for (auto i = static_cast<std::size_t>(from / 100ms); i < static_cast<std::size_t>(to / 100ms);
         ++i) {
      if (i < answers_.size()) count += answers_[i];
    }
    return count;
  }

  ConcurrencyLimit limit{first, 10s};
  std::uint64_t refused = 0;

 private:
  struct Event {
    Duration at, began;
    bool refused;
    bool operator>(const Event& other) const { return at > other.at; }
  };

  void begin() {
    if (serving_ >= capacity_(now_)) return events_.push({now_ + 5ms, now_, true});
    ++serving_;
    std::uniform_int_distribution<Duration::rep> latency(300'000, 4'300'000);
    events_.push({now_ + Duration(latency(random_)), now_, false});
  }

  void end_of(const Event& event) {
    if (event.refused) {
      ++refused;
      return limit.lost(0, start + now_);
    }
    --serving_;
    const auto place = static_cast<std::size_t>(now_ / 100ms);
    if (place >= answers_.size()) answers_.resize(place + 1);
    ++answers_[place];
    limit.answered(now_ - event.began, false, {events_.size(), 0}, ceiling_, start + now_);
  }

  std::mt19937_64 random_;
  Capacity capacity_;
  std::size_t ceiling_;
  Duration now_{};
  std::size_t serving_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::uint64_t> answers_;  // in each tenth of a second
};

World::Capacity constant(std::size_t capacity) {
  return [capacity](Duration) { return capacity; };
}

void answer(ConcurrencyLimit& limit, int times, Timestamp now, std::size_t in_flight = 8) {
  for (int i = 0; i < times; ++i) {
    limit.answered(mean_latency, false, {in_flight, in_flight}, no_ceiling, now);
  }
}

}  // namespace

TEST_CASE("until its first loss the limit doubles in a mean latency, up to the ceiling") {
  World world(1, constant(no_ceiling), 10'000);
  world.run(mean_latency);
  CHECK(world.limit.under(no_ceiling) > first * 3 / 2);
  world.run(8 * mean_latency);
  CHECK(world.limit.under(no_ceiling) == 10'000);
  CHECK(world.refused == 0);
  CHECK(world.limit.under(100) == 100);
}

TEST_CASE("the limit follows a source that halves and doubles what it takes") {
  const Duration change_every = 10 * mean_latency;
  for (const std::size_t capacity : {50, 300, 1'000, 8'000}) {
    CAPTURE(capacity);
    const auto at = [&](Duration now) {
      return now / change_every % 2 == 0 ? capacity : capacity / 2;
    };
    World world(capacity, at);
    World oracle(capacity, at);
    world.run(8 * change_every);
    oracle.run(8 * change_every, at);
    for (int change = 1; change < 8; ++change) {
      CAPTURE(change);
      const Duration from = change * change_every + 5 * mean_latency;
      const Duration to = (change + 1) * change_every;
      const auto most = static_cast<double>(oracle.answers_between(from, to));
      CHECK(static_cast<double>(world.answers_between(from, to)) >= 0.95 * most);
    }
    // What it costs to know: few are refused in vain.
    const auto answers = static_cast<double>(world.answers_between({}, 8 * change_every));
    CHECK(static_cast<double>(world.refused) < 0.15 * answers + first);
  }
}

TEST_CASE("one id that always fails does not shrink the limit, however long it is tried (S7)") {
  ConcurrencyLimit limit{first, 10s};
  Timestamp now = start;
  answer(limit, 100, now);
  limit.reached(false, 0, start);
  const std::size_t before = limit.under(no_ceiling);
  for (int failures = 0; failures < 10'000; ++failures) {
    limit.lost(failures, now += 3s);
    if (failures % 10 == 0) answer(limit, 1, now, 1);
    REQUIRE(limit.under(no_ceiling) == before);
  }
}

TEST_CASE("ids that fail beside many answers do not shrink the limit (S7)") {
  ConcurrencyLimit limit{first, 10s};
  Timestamp now = start;
  for (int round = 0; round < 1'000; ++round) {
    answer(limit, 400, now += mean_latency);
    for (int id = 0; id < 8; ++id) limit.lost(round % 5, now += 10ms);
    REQUIRE(limit.under(no_ceiling) >= first);
  }
}

TEST_CASE("after a silence as many begin as were answered in a second before it") {
  for (const int rate : {0, 2, 20, 100, 1'000}) {
    ConcurrencyLimit limit{first, 10s};
    for (int i = 0; i < 4 * rate; ++i) answer(limit, 1, start + 1s * i / rate);
    limit.nobody_answers(start + 4s);
    const auto expected = std::clamp<double>(rate, ConcurrencyLimit::least, first);
    CHECK(static_cast<double>(limit.under(no_ceiling)) >= 0.7 * expected);
    CHECK(static_cast<double>(limit.under(no_ceiling)) <= 1.3 * expected);
    for (int i = 0; i < 1'000; ++i) limit.lost(0, start + 4s);
    CHECK(limit.under(no_ceiling) == ConcurrencyLimit::least);
  }
}

TEST_CASE("no more are in flight than are answered in half of the timeout") {
  ConcurrencyLimit limit{first, 10s};
  limit.reached(true, first, start);
  Timestamp now = start;
  for (; now < start + 2s; now += 50ms) answer(limit, 1, now, first);  // it may be a burst
  CHECK(limit.under(no_ceiling) >= first);
  for (; now < start + 5s; now += 50ms) answer(limit, 1, now, first);
  CHECK(limit.under(no_ceiling) <= 100);
  for (; now < start + 60s; now += 50ms) {
    answer(limit, 1, now, limit.under(no_ceiling));
    REQUIRE(limit.under(no_ceiling) >= 100 - 5);
    REQUIRE(limit.under(no_ceiling) <= 100 * 5 / 4 + 5);
  }
}

TEST_CASE("a source that is quick with one at a time has a short line") {
  ConcurrencyLimit limit{first, 10s};
  Timestamp now = start;
  for (; now < start + 5s; now += 100ms) limit.answered(50ms, true, {}, no_ceiling, now);
  limit.reached(true, first, now);
  for (; now < start + 10s; now += 50ms) answer(limit, 1, now, first);
  CHECK(limit.under(no_ceiling) <= 30);
}

TEST_CASE("a source that is slow with one at a time is given more than half of the timeout") {
  ConcurrencyLimit limit{first, 10s};
  Timestamp now = start;
  for (int i = 0; i < 20; ++i) limit.answered(6s, true, {}, no_ceiling, now += 1s);
  limit.reached(true, first, now);
  for (int i = 0; i < 3'000; ++i) {
    limit.answered(6s, false, {first, first}, no_ceiling, now += 6s / first);
    REQUIRE(limit.under(no_ceiling) >= first);
  }
}

TEST_CASE("where all is refused at the least limit, a pause is made") {
  ConcurrencyLimit limit{first, 10s};
  for (int i = 0; i < 1'000; ++i) limit.lost(0, start);
  CHECK(limit.under(no_ceiling) == ConcurrencyLimit::least);
  CHECK(limit.held_until() == start + ConcurrencyLimit::refused_pause);
  answer(limit, 1, start);
  CHECK(limit.held_until() <= start);
}

TEST_CASE("a limit that is no longer used goes back to where it began") {
  ConcurrencyLimit limit{first, 10s};
  limit.reached(true, first, start);
  answer(limit, 1'000, start, 1'000);
  REQUIRE(limit.under(no_ceiling) > 1'000);
  limit.reached(false, 400, start + 9s);
  CHECK(limit.under(no_ceiling) > 1'000);
  limit.reached(false, 400, start + 10s);
  CHECK(limit.under(no_ceiling) == 800);
  limit.reached(false, 1, start + 20s);
  CHECK(limit.under(no_ceiling) == first);
}

TEST_CASE("a limit that is not reached does not grow") {
  ConcurrencyLimit limit{first, 10s};
  limit.reached(false, 0, start);
  answer(limit, 10'000, start, first);
  CHECK(limit.under(no_ceiling) == first);
  limit.reached(true, first, start);
  answer(limit, 10, start, first);
  CHECK(limit.under(no_ceiling) == first + 10);
}
