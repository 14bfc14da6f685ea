#include "core/ledger.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <list>
#include <random>
#include <unordered_map>

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

TEST_CASE("a reused entry does not honour the tickets of its former tenant") {
  Ledger ledger(1);
  const auto index = ledger.find_or_add(1);
  const auto ticket = ledger[index].ticket;
  ledger.erase(index);
  const auto again = ledger.find_or_add(2);
  CHECK(again == index);
  CHECK(ledger[again].ticket != ticket);
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
  std::unordered_map<ObjectId, EntryIndex> model;
  std::list<ObjectId> unserved;
  Sequence position = 0;
  for (int step = 0; step < 200'000; ++step) {
    const ObjectId id = static_cast<ObjectId>(random() % 5'000) - 2'500;
    const auto known = model.find(id);
    REQUIRE(ledger.find(id) == (known == model.end() ? no_entry : known->second));
    switch (random() % 4) {
      case 0: model[id] = ledger.find_or_add(id); break;
      case 1:
        if (known == model.end()) break;
        ledger.set_unserved(known->second, ++position);
        unserved.remove(id);
        unserved.push_back(id);
        break;
      case 2:
        if (known == model.end()) break;
        ledger.set_served(known->second);
        unserved.remove(id);
        break;
      default:
        if (known == model.end() || ledger[known->second].in_unserved) break;
        ledger.erase(known->second);
        model.erase(known);
    }
    if (step % 1'000 != 0) continue;
    REQUIRE(ledger.size() == model.size());
    REQUIRE(ledger.unserved() == unserved.size());
    auto index = ledger.first_unserved();
    for (const ObjectId expected : unserved) {
      REQUIRE(ledger[index].id == expected);
      index = ledger.next_unserved(index);
    }
    REQUIRE(index == no_entry);
  }
}
