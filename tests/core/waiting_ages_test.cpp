#include "core/waiting_ages.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>
#include <vector>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

constexpr Duration quarter = 263ms;  // and a little

bool about(Timestamp shown, Timestamp truth) { return truth <= shown && shown <= truth + quarter; }

}  // namespace

TEST_CASE("the oldest of those that wait is known to a quarter of a second") {
  WaitingAges ages;
  CHECK(ages.oldest() == Timestamp::max());
  const Timestamp begin(1'000h);
  ages.add(begin + 5s);
  CHECK(about(ages.oldest(), begin + 5s));
  ages.add(begin);
  CHECK(about(ages.oldest(), begin));
  ages.add(begin + 1ms);
  ages.remove(begin);
  CHECK(about(ages.oldest(), begin));
  ages.remove(begin + 1ms);
  CHECK(about(ages.oldest(), begin + 5s));
  ages.remove(begin + 5s);
  CHECK(ages.oldest() == Timestamp::max());
  CHECK(ages.size() == 0);
}

TEST_CASE("one that waits for hours or years stays the oldest, whatever comes and goes") {
  for (const Duration span : {Duration(10min), Duration(30h), Duration(20'000h)}) {
    WaitingAges ages;
    const Timestamp begin(1'000'000h);
    ages.add(begin);
    for (int i = 0; i < 1'000; ++i) {
      ages.add(begin + i * span / 1'000);
      ages.remove(begin + i * span / 1'000);
      REQUIRE(about(ages.oldest(), begin));
    }
    ages.add(begin + span);
    ages.remove(begin);
    CHECK(about(ages.oldest(), begin + span));
  }
}

TEST_CASE("it agrees with a sorted list, whatever the order") {
  std::mt19937_64 random(7);
  for (const Duration span : {Duration(1s), Duration(70s), Duration(3h)}) {
    WaitingAges ages;
    std::multimap<Timestamp, int> truth;
    for (int i = 0; i < 20'000; ++i) {
      const Timestamp now(500h + i * span / 100);
      if (truth.empty() || random() % 2 == 0) {
        const auto since = now - Duration(static_cast<std::int64_t>(random() % 300'000'000));
        ages.add(since);
        truth.emplace(since, 0);
      } else {
        auto gone = truth.begin();
        if (random() % 4 == 0) std::advance(gone, random() % truth.size());
        ages.remove(gone->first);
        truth.erase(gone);
      }
      REQUIRE(ages.size() == truth.size());
      if (truth.empty()) {
        REQUIRE(ages.oldest() == Timestamp::max());
      } else {
        REQUIRE(about(ages.oldest(), truth.begin()->first));
      }
    }
  }
}
