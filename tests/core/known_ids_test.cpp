#include "core/known_ids.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <unordered_map>
#include <vector>

using namespace postoffice;
using namespace postoffice::core;

TEST_CASE("an id keeps its index while others come and go in any number") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  KnownIds known(seed);
  std::unordered_map<ObjectId, KnownIndex> model;
  std::vector<ObjectId> ids;
  // Grows, is exchanged, shrinks: parts of all sizes, many times over.
  for (const std::size_t wanted : {30'000, 100, 15'000, 0}) {
    for (int step = 0; step < 60'000; ++step) {
      const bool add = ids.size() < wanted || (wanted > 0 && random() % 2 == 0);
      if (add) {
        const auto id = static_cast<ObjectId>(random());
        if (!model.emplace(id, known.find_or_add(id)).second) continue;
        ids.push_back(id);
      } else if (!ids.empty()) {
        auto& chosen = ids[random() % ids.size()];
        known.erase(model.at(chosen));
        if (known.find(chosen) != not_known) FAIL("found after it was erased");
        model.erase(chosen);
        chosen = ids.back();
        ids.pop_back();
      }
      if (ids.empty() || step % 16 != 0) continue;
      const ObjectId some = ids[random() % ids.size()];
      REQUIRE(known.find(some) == model.at(some));
      REQUIRE(known[known.find(some)].id == some);
    }
    REQUIRE(known.size() == model.size());
    CHECK(std::all_of(model.begin(), model.end(),
                      [&](const auto& item) { return known.find(item.first) == item.second; }));
  }
  CHECK(known.size() == 0);
}

TEST_CASE("a guess is the id's own record, or now and then another's, but never none") {
  KnownIds known(1);
  std::size_t others = 0;
  for (ObjectId id = 0; id < 100'000; ++id) known.find_or_add(id);
  for (ObjectId id = 0; id < 100'000; ++id) {
    const auto guess = known.guess(known.hash(id));
    if (guess == not_known) FAIL("no guess");
    if (known[guess].id != id) ++others;
  }
  CHECK(others < 1'000);
}

TEST_CASE("a known id keeps its last receipt to the microsecond, beside what else it is told") {
  Known known;
  for (const std::int64_t microseconds :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 60}) {
    const Timestamp received{Duration(microseconds)};
    for (const bool in_expiry : {false, true}) {
      known.set_idle(received, in_expiry);
      CHECK(known.last_receipt() == received);
      CHECK(known.in_expiry() == in_expiry);
      CHECK_FALSE(known.active());
    }
  }
  known.activate(EntryIndex{4'000'000'000});
  CHECK(known.active());
  CHECK(known.entry() == EntryIndex{4'000'000'000});
}
