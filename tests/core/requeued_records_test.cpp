#include "core/requeued_records.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

using namespace postoffice;
using namespace postoffice::core;

TEST_CASE("requeued records come back in their order; others are not taken for them") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  RequeuedRecords records;
  std::map<Sequence, bool> model;
  std::vector<Sequence> strange{0};  // whose append failed, or that have come back already
  Sequence next = 1;
  for (int step = 0; step < 50'000; ++step) {
    if (random() % 2 == 0) {
      next += random() % 3;
      if (random() % 4 == 0) {
        strange.push_back(++next);
        records.failed();
      }
      const bool overflow = random() % 8 != 0;
      records.add(++next, overflow);
      model.emplace(next, overflow);
    } else if (!model.empty()) {
      const auto [record, overflow] = *model.begin();
      REQUIRE(records.remove(record) == overflow);
      model.erase(model.begin());
      strange.push_back(record);
    }
    CHECK_FALSE(records.remove(strange[random() % strange.size()]));
  }
  for (const auto& [record, overflow] : model) REQUIRE(records.remove(record) == overflow);
  CHECK(records.stretches() == 0);
}

TEST_CASE("millions of records on their way round take no memory (S9)") {
  RequeuedRecords records;
  for (Sequence record = 1; record <= 3'000'000; record += 3) records.add(record, true);
  CHECK(records.stretches() == 1);  // whatever else was appended between them
  for (Sequence record = 1; record <= 1'500'000; record += 3)
    REQUIRE(records.remove(record) == true);
  CHECK(records.stretches() == 1);
  CHECK_FALSE(records.remove(1));
}
