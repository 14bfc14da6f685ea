#include "core/ledger.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <random>
#include <unordered_map>
#include <utility>

using namespace postoffice;
using namespace postoffice::core;

TEST_CASE("an id is found again, at the same index, until it is erased") {
  Ledger ledger(1);
  CHECK(ledger.find(7) == no_entry);
  const auto index = ledger.find_or_add(7);
  CHECK(ledger.find_or_add(7) == index);
  CHECK(ledger.find(7) == index);
  CHECK(ledger[index].id == 7);
  ledger.erase(index);
  CHECK(ledger.find(7) == no_entry);
  CHECK(ledger.size() == 0);
}

TEST_CASE("every int64 is an id") {
  Ledger ledger(1);
  for (const ObjectId id : {std::numeric_limits<ObjectId>::min(), ObjectId{-1}, ObjectId{0},
                            std::numeric_limits<ObjectId>::max()}) {
    CHECK(ledger[ledger.find_or_add(id)].id == id);
  }
  CHECK(ledger.size() == 4);
}

TEST_CASE("an idle id is known with its last receipt, and keeps no entry") {
  Ledger ledger(1);
  const auto index = ledger.find_or_add(7);
  const Timestamp received{std::chrono::hours(1)};
  ledger[index].last_receipt = received;
  ledger[index].in_expiry = true;
  CHECK(ledger.release_if_unused(index));
  CHECK_FALSE(ledger.release_if_unused(index));
  CHECK_FALSE(ledger.active(index));
  CHECK(ledger.find(7) == no_entry);
  CHECK(ledger.size() == 1);
  CHECK(ledger.active() == 0);
  const auto again = ledger.recall(7);
  REQUIRE(again != no_entry);
  CHECK(ledger.find(7) == again);
  CHECK(ledger[again].last_receipt == received);
  CHECK(ledger[again].in_expiry);
  CHECK(ledger.recall(8) == no_entry);
}

TEST_CASE("no id is idle while anything is being done about it") {
  Ledger ledger(1);
  const auto index = ledger.find_or_add(7);
  Entry& entry = ledger[index];
  const auto stays = [&](auto& field, auto value) {
    const auto before = std::exchange(field, value);
    CHECK_FALSE(ledger.release_if_unused(index));
    field = before;
  };
  stays(entry.touching, 1);
  stays(entry.storing, 1);
  entry.requeueing = true;
  CHECK_FALSE(ledger.release_if_unused(index));
  entry.requeueing = false;
  stays(entry.stage, Stage::waiting);
  ledger.set_unserved(index, 1);
  CHECK_FALSE(ledger.release_if_unused(index));
  ledger.set_served(index);
  CHECK(ledger.release_if_unused(index));
}

TEST_CASE("a receipt moves an unserved id to the end of the list") {
  Ledger ledger(1);
  const auto a = ledger.find_or_add(1);
  const auto b = ledger.find_or_add(2);
  ledger.set_unserved(a, 1);
  ledger.set_unserved(b, 2);
  CHECK(ledger.first_unserved() == a);
  ledger.set_unserved(a, 3);
  CHECK(ledger.first_unserved() == b);
  CHECK(ledger.next_unserved(b) == a);
  CHECK(ledger.next_unserved(a) == no_entry);
  ledger.set_served(b);
  CHECK(ledger.first_unserved() == a);
  ledger.set_served(a);
  ledger.set_served(a);
  CHECK(ledger.first_unserved() == no_entry);
  CHECK(ledger.unserved() == 0);
}

TEST_CASE("random histories agree with a map and a list") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Ledger ledger(seed);
  std::unordered_map<ObjectId, Timestamp> model;
  std::list<ObjectId> unserved;
  Sequence position = 0;
  for (int step = 0; step < 200'000; ++step) {
    const ObjectId id = static_cast<ObjectId>(random() % 5'000) - 2'500;
    const auto known = model.find(id);
    const bool was_known = known != model.end();
    const auto index = random() % 2 == 0 || was_known ? ledger.recall(id) : ledger.find(id);
    REQUIRE((index != no_entry) == was_known);
    if (was_known) REQUIRE(ledger[index].last_receipt == known->second);
    switch (random() % 4) {
      case 0: {
        const Timestamp received{std::chrono::seconds(random() % 1'000)};
        ledger[ledger.find_or_add(id)].last_receipt = model[id] = received;
        break;
      }
      case 1:
        if (!was_known) break;
        ledger.set_unserved(index, ++position);
        unserved.remove(id);
        unserved.push_back(id);
        break;
      case 2:
        if (!was_known) break;
        ledger.set_served(index);
        unserved.remove(id);
        break;
      default:
        if (!was_known || ledger[index].in_unserved()) break;
        ledger.erase(index);
        model.erase(known);
    }
    if (const auto left = ledger.find(id); left != no_entry) ledger.release_if_unused(left);
    if (step % 1'000 != 0) continue;
    REQUIRE(ledger.size() == model.size());
    REQUIRE(ledger.active() == unserved.size());
    REQUIRE(ledger.unserved() == unserved.size());
    auto next = ledger.first_unserved();
    for (const ObjectId expected : unserved) {
      REQUIRE(ledger[next].id == expected);
      next = ledger.next_unserved(next);
    }
    REQUIRE(next == no_entry);
  }
}
