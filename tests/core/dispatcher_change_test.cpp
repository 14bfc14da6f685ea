// Options that change while the pipeline runs.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {
namespace {

struct Changing : DispatcherByHand {
  PipelineOptions options{.fetch_concurrency = 100};

  Changing() { settle(); }

  void change(std::chrono::milliseconds ttl) {
    options.ttl = ttl;
    dispatcher.change(options, now);
    act();
  }
  /// Runs until a delete that finds the row of `id` by its key or by a scan, if it was last seen
  /// at `last_seen`; each delete succeeds. When it came, or max if none came until `end`.
  Timestamp deleted_at(ObjectId id, Timestamp last_seen, Timestamp end) {
    while (now < end) {
      advance(50ms);
      while (!applies.empty()) commit();
      while (!expiries.empty()) {
        const Expiry expiry = expiries.front();
        const bool listed = std::find(expiry.ids.begin(), expiry.ids.end(), id) != expiry.ids.end();
        if (expiry.cutoff > last_seen && (listed || expiry.scan)) return now;
        delete_expired(0);
      }
    }
    return Timestamp::max();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Changing, "a longer ttl deletes nothing by the shorter one any more (S6)") {
  receive({1});
  const auto received = now;
  settle();
  store_for(28s);
  change(60s);
  const auto deleted = deleted_at(1, received, received + 62s);
  CHECK(deleted > received + 60s);
  CHECK(deleted <= received + 61s);
}

TEST_CASE_FIXTURE(Changing, "a row that a failed delete has left lives by the longer ttl (S6)") {
  store_for(100s);
  receive({1});
  const auto received = now;
  settle();
  REQUIRE(deleted_at(1, received, received + 31s) <= received + 31s);
  expiries.pop_front();
  dispatcher.expired(Error::unavailable, {}, now);
  change(60s);
  const auto deleted = deleted_at(1, received, received + 62s);
  CHECK(deleted > received + 60s);
  CHECK(deleted <= received + 62s);  // it is not watched any more: a scan finds it
}

TEST_CASE_FIXTURE(Changing, "a row that the store refused to delete lives by the longer ttl (S6)") {
  store_for(100s);
  receive({1});
  const auto received = now;
  settle();
  REQUIRE(deleted_at(1, received, received + 31s) <= received + 31s);
  expiries.pop_front();
  dispatcher.expired({}, {.deleted = 0, .oldest_left = {}, .refused = {Refusal{.id = 1}}}, now);
  change(60s);
  const auto deleted = deleted_at(1, received, received + 62s);
  CHECK(deleted > received + 60s);
  CHECK(deleted <= received + 62s);
}

TEST_CASE_FIXTURE(Changing, "a shorter ttl applies at once to what is stored (S6)") {
  receive({1});
  const auto received = now;
  settle();
  store_for(10s);
  const auto changed = now;
  change(5s);
  CHECK(deleted_at(1, received, changed + 2s) <= changed + 1s);
}

// Of other daemons, say: one scan per ttl looks for them, and the next one was due in minutes.
TEST_CASE("a shorter ttl applies to rows that nobody watches (S6)") {
  DispatcherByHand hand({.ttl = 10min, .fetch_concurrency = 100});
  hand.store_for(21min);
  hand.dispatcher.change({.ttl = 5s}, hand.now);
  bool scanned = false;
  for (const auto end = hand.now + 6s; hand.now < end;) {
    hand.advance(100ms);
    while (!hand.expiries.empty()) {
      const auto& expiry = hand.expiries.front();
      scanned = scanned || (expiry.scan && expiry.cutoff >= hand.now - 6s);
      hand.delete_expired(0);
    }
  }
  CHECK(scanned);
}

TEST_CASE_FIXTURE(Changing, "an answer that comes later obeys the new rule of what to keep") {
  receive({1});
  const auto fetch = next_fetch();
  options.keep = Keep::online;
  dispatcher.change(options, now);
  answer(fetch, false);
  bool removed = false;
  while (!applies.empty()) removed = removed || !commit().removals.empty();
  CHECK(removed);
}

TEST_CASE_FIXTURE(Changing, "a fetch in flight keeps its time limit when that becomes shorter") {
  receive({1});
  const auto first = next_fetch();
  options.fetch_timeout = 1s;
  dispatcher.change(options, now);
  store_for(9s);
  CHECK(counters().fetch_failures == 0);
  answer(first);
  receive({2});
  store_for(3s);
  CHECK(counters().fetch_failures == 1);
}

TEST_CASE_FIXTURE(Changing, "failures of an id end by the ttl that holds then (S7)") {
  receive({1});
  for (const auto end = now + 40s; now < end; advance(100ms)) {
    fail_all();
    if (now + 12s > end && options.ttl == 30s) change(60s);
    while (!applies.empty()) commit();
  }
  CHECK(counters().dead == 0);
  for (const auto end = now + 28s; now < end; advance(100ms)) {
    fail_all();
    while (!applies.empty()) commit();
  }
  CHECK(counters().dead == 1);
}

}  // namespace postoffice::core
