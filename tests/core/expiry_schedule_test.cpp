#include "core/expiry_schedule.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Ledger ledger{1};
  ExpirySchedule schedule{ledger};
  Timestamp start{1h};

  // Until it is received again, nothing is done about the id: it is idle.
  void add(ObjectId id, Timestamp received) {
    const auto index = ledger.find_or_add(id);
    ledger[index].last_receipt = received;
    schedule.add(index);
    ledger.release_if_unused(index);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an id expires within a bucket after the cutoff has passed it") {
  add(1, start);
  CHECK(schedule.take_expired(start).empty());
  CHECK(schedule.take_expired(start + ExpirySchedule::bucket).size() == 1);
  CHECK(schedule.empty());
}

TEST_CASE_FIXTURE(Fixture, "an id received again expires by its new time") {
  add(1, start);
  add(1, start + 10s);
  CHECK(schedule.take_expired(start + 5s).empty());
  CHECK(schedule.take_expired(start + 9s).empty());
  CHECK(schedule.take_expired(start + 10s + ExpirySchedule::bucket).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "an id that is still touched is looked at again") {
  add(1, start);
  const auto index = ledger.find_or_add(1);
  ledger[index].touching = 1;
  CHECK(schedule.take_expired(start + 1s).size() == 1);
  CHECK(ledger[index].in_expiry);
  CHECK(schedule.take_expired(start + 1500ms).empty());
  ledger[index].touching = 0;
  ledger.release_if_unused(index);
  const auto expired = schedule.take_expired(start + 3s);
  REQUIRE(expired.size() == 1);
  CHECK_FALSE(ledger.known(expired[0]).in_expiry());
}

TEST_CASE_FIXTURE(Fixture, "no id expires early and none is forgotten") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::size_t added = 0, expired = 0;
  Timestamp cutoff = start;
  for (ObjectId id = 0; id < 5'000; ++id, ++added) {
    add(id, cutoff + std::chrono::milliseconds(random() % 40'000));
    if (id % 10 != 0) continue;
    cutoff += std::chrono::milliseconds(random() % 500);
    for (const auto index : schedule.take_expired(cutoff)) {
      REQUIRE(ledger.known(index).last_receipt() < cutoff);
      ledger.forget(index);
      ++expired;
    }
  }
  expired += schedule.take_expired(cutoff + 41s).size();
  CHECK(expired == added);
}

TEST_CASE_FIXTURE(Fixture, "an id that waits for its fetch is named once, and then left alone") {
  add(1, start);
  const auto index = ledger.find_or_add(1);
  ledger.set_unserved(index, 1);
  CHECK(schedule.take_expired(start + 1s).size() == 1);
  CHECK(schedule.empty());
  CHECK_FALSE(ledger[index].in_expiry);
}
