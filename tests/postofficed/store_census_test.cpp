// Rows are counted piece by piece, slowly, and shown when all have been counted.
#include "admin/store_census.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/testing/manual_clock.hpp"

using namespace postofficed;
using namespace std::chrono_literals;
using postoffice::CountQuery;
using postoffice::RowCount;

namespace {

/// A store whose counting the test ends.
class Store : public postoffice::ObjectReader {
 public:
  void find(postoffice::ObjectQuery, FindDone) override { FAIL("rows are counted only"); }
  void find_dead_letters(postoffice::DeadLetterQuery, DeadLettersDone) override {
    FAIL("rows are counted only");
  }
  void count(CountQuery query, CountDone done) override {
    asked.emplace_back(query, std::move(done));
  }
  void answer(const RowCount& count, std::error_code error = {}) {
    REQUIRE(asked.size() == 1);
    const auto done = std::move(asked.front().second);
    asked.clear();
    done(error, count);
  }
  std::vector<std::pair<CountQuery, CountDone>> asked;
};

struct World {
  postoffice::testing::ManualClock clock;
  Store store;
  bool wanted = true;
  StoreCensus census{clock, store, [this] { return wanted; }};

  /// Until the store is asked; false if it is not within ten seconds.
  bool asked() {
    for (int i = 0; i < 100 && store.asked.empty(); ++i) clock.advance(100ms);
    return !store.asked.empty();
  }
};

}  // namespace

TEST_CASE("pieces are added up, objects first, and nothing is known before the end") {
  World world;
  for (const postoffice::ObjectId last : {10, 20}) {
    REQUIRE(world.asked());
    CHECK_FALSE(world.store.asked.front().first.dead_letters);
    world.store.answer({.online = 3, .offline = 4, .last = last});
  }
  REQUIRE(world.asked());
  CHECK(world.store.asked.front().first.after == 20);
  world.store.answer({.online = 1});
  REQUIRE(world.asked());
  CHECK(world.store.asked.front().first.dead_letters);
  CHECK_FALSE(world.store.asked.front().first.after);
  CHECK_FALSE(world.census.counts());
  world.store.answer({.dead_letters = 2});
  REQUIRE(world.census.counts());
  CHECK(world.census.counts()->online == 7);
  CHECK(world.census.counts()->offline == 8);
  CHECK(world.census.counts()->dead_letters == 2);

  world.clock.advance(4s);
  CHECK(world.store.asked.empty());
  REQUIRE(world.asked());
  CHECK_FALSE(world.store.asked.front().first.after);
  CHECK(world.census.counts()->online == 7);  // the old ones, until there are new ones
}

TEST_CASE("a store that fails makes them unknown, until it has been counted again") {
  World world;
  const auto whole_round = [&] {
    for (int i = 0; i < 2; ++i) {
      REQUIRE(world.asked());
      world.store.answer({.online = 1});
    }
  };
  whole_round();
  CHECK(world.census.counts());
  REQUIRE(world.asked());
  world.store.answer({}, postoffice::Error::unavailable);
  CHECK_FALSE(world.census.counts());
  whole_round();
  CHECK(world.census.counts());
}

TEST_CASE("it rests for fifty times as long as a piece took") {
  World world;
  REQUIRE(world.asked());
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < 20ms) {
  }
  world.store.answer({.online = 1, .last = 1});
  world.clock.advance(990ms);
  CHECK(world.store.asked.empty());
  CHECK(world.asked());
}

TEST_CASE("while it is another's turn nothing is asked, and nothing is known") {
  World world;
  world.wanted = false;
  CHECK_FALSE(world.asked());
  world.wanted = true;
  CHECK(world.asked());
}

TEST_CASE("an answer may come when nobody counts any more") {
  Store store;
  {
    postoffice::testing::ManualClock clock;
    const StoreCensus census(clock, store, [] { return true; });
    clock.advance(1s);
  }
  store.answer({.online = 1});
}
