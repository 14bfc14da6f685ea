#include "core/ready_queue.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Ledger ledger{1};
  ReadyQueue ready{ledger, 30s, 3};
  Timestamp now{1h};

  EntryIndex add(ObjectId id, Timestamp received, int attempts = 0) {
    const auto index = ledger.find_or_add(id);
    ledger[index].last_receipt = received;
    ledger[index].attempts = static_cast<std::uint16_t>(attempts);
    ready.push(index, now);
    return index;
  }
  ObjectId pop(bool retries_full = false) {
    const auto index = ready.pop(now, retries_full);
    if (index == no_entry) return -1;
    ledger[index].stage = Stage::fetching;
    return ledger[index].id;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "first come, first served") {
  add(3, now);
  add(1, now);
  add(2, now);
  CHECK(pop() == 3);
  CHECK(pop() == 1);
  CHECK(pop() == 2);
  CHECK(pop() == -1);
}

TEST_CASE_FIXTURE(Fixture, "ids within ttl come before older ones (S3)") {
  add(1, now - 31s, 1);
  add(2, now - 1s);
  CHECK(pop() == 2);
  CHECK(pop() == 1);
}

TEST_CASE_FIXTURE(Fixture, "ids that a longer ttl brings back come before older ones (S3)") {
  add(1, now - 31s, 1);
  add(2, now - 61s, 1);
  add(3, now - 32s, 1);
  ready.set_ttl(60s, now);
  add(4, now, 1);
  CHECK(pop() == 1);
  CHECK(pop() == 3);
  CHECK(pop() == 4);
  CHECK(pop() == 2);
  CHECK(ready.empty());
}

TEST_CASE_FIXTURE(Fixture, "an id that was never tried leaves the line once it is too old (S8)") {
  const auto index = add(1, now - 29s);
  add(2, now - 28s, 1);
  add(3, now);
  CHECK(ready.first_attempts() == 2);
  now += 3s;
  ready.drop_old(now);
  CHECK(ready.too_old() == std::vector<EntryIndex>{index});
  CHECK(ledger[index].stage == Stage::idle);
  CHECK(ready.first_attempts() == 1);
  CHECK(ready.size() == 2);
  CHECK(pop() == 3);
  CHECK(pop() == 2);
  CHECK(pop() == -1);
}

TEST_CASE_FIXTURE(Fixture, "an id that has had its tries leaves the line once it is too old (S7)") {
  const auto index = add(1, now - 29s, 3);
  add(2, now - 29s, 2);
  now += 2s;
  ready.drop_old(now);
  CHECK(ready.too_old() == std::vector<EntryIndex>{index});
  CHECK(ledger[index].stage == Stage::idle);
  CHECK(pop() == 2);
  CHECK(pop() == -1);
}

TEST_CASE_FIXTURE(Fixture, "while the line is behind, three of four ids are the newest") {
  for (ObjectId id = 0; id < 6; ++id) add(id, now);
  now += 2s;
  add(6, now);
  CHECK(pop() == 6);
  CHECK(pop() == 5);
  add(7, now);
  CHECK(pop() == 7);
  CHECK(pop() == 0);
  CHECK(pop() == 4);
  CHECK(ready.first_attempts() == 3);
}

TEST_CASE_FIXTURE(Fixture, "an id that grows old in line gives way") {
  add(1, now - 29s, 1);
  now += 2s;
  add(2, now);
  CHECK(pop() == 2);
  CHECK(pop() == 1);
}

TEST_CASE_FIXTURE(Fixture, "retries have their share and no more while first attempts wait (S7)") {
  add(1, now, 1);
  add(2, now, 1);
  add(3, now);
  CHECK(pop(true) == 3);
  CHECK(pop(true) == 1);  // nobody else waits
  CHECK(pop(false) == 2);
}

TEST_CASE_FIXTURE(Fixture, "an old id that is received again is no longer last") {
  const auto index = add(1, now - 31s, 1);
  add(2, now - 32s, 1);
  ledger[index].last_receipt = now;
  ready.push(index, now);
  CHECK(ready.size() == 2);
  CHECK(pop() == 1);
  CHECK(pop() == 2);
  CHECK(pop() == -1);
  CHECK(ready.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a place that became void is not honoured for another id in that entry") {
  const auto index = add(1, now - 31s, 1);
  add(4, now - 31s, 1);
  ledger[index].last_receipt = now;
  ready.push(index, now);  // its place among the old ones, ahead of 4, is void
  CHECK(pop() == 1);
  ledger[index].stage = Stage::idle;
  ledger.release_if_unused(index);
  CHECK(add(2, now - 31s, 1) == index);
  CHECK(pop() == 4);
  CHECK(pop() == 2);
  CHECK(pop() == -1);
}
