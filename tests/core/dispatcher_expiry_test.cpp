// Which rows are deleted, when, and how they are found.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {

TEST_CASE_FIXTURE(DispatcherByHand,
                  "a row is deleted within a second after ttl, and not before (S6)") {
  settle();
  receive({1});
  const auto received = now;
  settle();
  while (expiries.empty() || expiries.front().ids.empty()) {
    if (!expiries.empty()) delete_expired(0);
    advance(50ms);
    REQUIRE(now < received + 31s);
  }
  CHECK(expiries.front().ids == std::vector<ObjectId>{1});
  CHECK(expiries.front().cutoff > received);
  CHECK(expiries.front().cutoff <= now - 30s);
  delete_expired(1);
  CHECK(counters().deleted == 1);
  CHECK(dispatcher.known_ids() == 0);
}

TEST_CASE_FIXTURE(DispatcherByHand, "nothing is deleted while a touch cannot be committed (S6)") {
  settle();
  receive({1});
  const auto received = now;
  while (!fetches.empty()) answer(next_fetch());
  for (int i = 0; i < 1200; ++i) {
    advance(100ms);
    while (!applies.empty()) commit({}, Error::unavailable);
    while (!expiries.empty()) {
      REQUIRE(expiries.front().cutoff <= received - 30s);
      delete_expired(0);
    }
  }
  CHECK(dispatcher.watermark() == received);
  CHECK(acknowledged == 0);
  CHECK(counters().pending == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand, "a deletion that failed is tried again") {
  settle();
  receive({1});
  settle();
  for (int i = 0; i < 700 && (expiries.empty() || expiries.front().ids.empty()); ++i) {
    if (!expiries.empty()) delete_expired(0);
    advance(50ms);
  }
  REQUIRE_FALSE(expiries.empty());
  expiries.pop_front();
  dispatcher.expired(Error::unavailable, {}, now);
  for (int i = 0; i < 30 && expiries.empty(); ++i) advance(100ms);
  REQUIRE_FALSE(expiries.empty());
  CHECK(expiries.front().ids == std::vector<ObjectId>{1});
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "rows of earlier runs are scanned for at least every second until ttl is over") {
  std::set<std::int64_t> seconds;
  int scans = 0;
  for (int i = 0; i < 1200; ++i) {
    advance(100ms);
    while (!expiries.empty()) {
      if (expiries.front().scan) {
        ++scans;
        seconds.insert(now.time_since_epoch() / 1s);
      }
      delete_expired(0);
    }
  }
  CHECK(seconds.size() >= 30);
  CHECK(seconds.size() <= 36);  // then one per ttl
  CHECK(scans <= 80);
}

TEST_CASE(
    "rows of earlier runs are scanned for when the oldest comes due, while any are left (I7)") {
  Timestamp now{1h};
  const Timestamp start = now;
  PipelineOptions options;
  options.known_ids_max = options.pending_ids_max = 2;
  Dispatcher dispatcher(options, 1);
  Timestamp oldest = start - 10s;
  const auto scans = [&](Timestamp end) {
    int scans = 0;
    for (; now < end; now += 50ms) {
      const Actions& actions = dispatcher.act(now, now);
      if (!actions.expire) continue;
      if (actions.expire->scan) ++scans;
      dispatcher.expired({}, {.deleted = 0, .oldest_left = oldest}, now);
    }
    return scans;
  };
  CHECK(scans(start + 20s) == 1);  // at the start
  oldest = start - 5s;
  CHECK(scans(start + 20s + 600ms) == 1);
  oldest = Timestamp::max();  // none is left
  CHECK(scans(start + 25s + 600ms) == 1);
  CHECK(scans(start + 55s) == 0);

  SUBCASE("then once per ttl") { CHECK(scans(start + 145s) == 3); }
  SUBCASE("and again when ids are forgotten whose rows came after the last scan") {
    CHECK(scans(start + 57s) == 1);
    const Timestamp received = now - 10s;
    for (const Timestamp begun = now; now < begun + 2s; now += 50ms) {
      const Sequence sequence = 1 + (now - begun) / 1s;
      const auto id = static_cast<ObjectId>(2 * sequence);
      Delivery delivery{.entries = {{sequence, received, 0, 2, false}}, .ids = {id, id + 1}};
      if (sequence > dispatcher.last_delivered()) dispatcher.delivered(delivery, now);
      Actions& actions = dispatcher.act(now, now);
      const auto applies = std::exchange(actions.applies, {});
      const auto fetches = actions.fetches;
      if (actions.expire) dispatcher.expired({}, {.deleted = 0, .oldest_left = received}, now);
      for (const auto& apply : applies) dispatcher.applied(apply.token, {}, {}, now);
      for (const auto& fetch : fetches) {
        dispatcher.fetched(fetch.token, {{}, fetch.id, true, {}, {}}, now);
      }
    }
    REQUIRE(dispatcher.known_ids() <= 2);
    CHECK(scans(received + 31s) == 1);
  }
}

TEST_CASE("a restarted process deletes nothing before it has looked at all that waited (S6)") {
  Timestamp now{1h};
  Dispatcher dispatcher(PipelineOptions{}, 1);
  const auto cutoff = [&](Timestamp frontier) {
    Timestamp greatest{};
    for (const Timestamp end = now + 2s; now < end; now += 50ms) {
      const Actions& actions = dispatcher.act(now, frontier);
      if (!actions.expire) continue;
      greatest = std::max(greatest, actions.expire->cutoff);
      dispatcher.expired({}, {}, now);
    }
    return greatest;
  };
  const Timestamp start = now;
  CHECK(cutoff(start - 10s) == Timestamp{});
  CHECK(cutoff(start - 1ms) == Timestamp{});
  CHECK(cutoff(start) == start - 30s);
}

TEST_CASE("rows that nobody watches go as the watermark comes by, however it moves (I7)") {
  Timestamp now{1h};
  Dispatcher dispatcher(PipelineOptions{}, 1);
  const auto scans = [&](Duration span, Timestamp frontier) {
    int scans = 0;
    for (const Timestamp end = now + span; now < end; now += 50ms) {
      const Actions& actions = dispatcher.act(now, frontier);
      if (!actions.expire) continue;
      if (actions.expire->scan) ++scans;
      dispatcher.expired({}, {}, now);
    }
    return scans;
  };
  const Timestamp stuck = now;
  CHECK(scans(45s, stuck) <= 3);  // where it stands still, nothing has come due
  CHECK(scans(300ms, now) == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "a row made from an answer for an expired id is deleted after all") {
  settle();
  receive({1});
  const auto fetch = next_fetch();
  store_for(31'500ms);
  dispatcher.fetched(fetch.token, {{}, 1, true, {}, {}}, now);  // timed out long ago: ignored
  while (!fetches.empty()) answer(next_fetch());
  while (!applies.empty()) commit();  // the store knew no cutoff and made the row
  std::set<ObjectId> deleted;
  for (int i = 0; i < 20; ++i) {
    advance(100ms);
    while (!expiries.empty()) {
      deleted.insert(expiries.front().ids.begin(), expiries.front().ids.end());
      delete_expired(0);
    }
  }
  CHECK(deleted.contains(1));
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "no row is deleted that was seen after the time on record (S6)") {
  settle();
  const auto recorded = now;
  advance(1s);
  receive({1});
  settle();
  int expiries = 0;
  for (int i = 0; i < 500; ++i) {
    now += 100ms;
    const auto actions = dispatcher.act(now, now, recorded);
    if (!actions.expire) continue;
    ++expiries;
    CHECK(actions.expire->cutoff <= recorded);
    CHECK(actions.expire->ids.empty());
    dispatcher.expired({}, {}, now);
  }
  CHECK(expiries > 0);
  now += 1s;
  const auto actions = dispatcher.act(now, now, now);
  REQUIRE(actions.expire);
  CHECK(actions.expire->ids == std::vector<ObjectId>{1});
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "every transaction names the cutoff below which no row may be made (S6)") {
  settle();
  receive({1});
  advance(40s);
  while (!applies.empty()) commit();
  fetches.clear();
  receive({2});
  answer(next_fetch());
  REQUIRE_FALSE(applies.empty());
  const auto changes = commit();
  CHECK(changes.cutoff > now - 31s);
  CHECK(changes.cutoff <= now - 30s);
}

TEST_CASE("beyond the memory granted, ids are forgotten and rows found by scanning") {
  DispatcherByHand f({.fetch_concurrency = 100, .pending_ids_max = 50, .known_ids_max = 50});
  f.settle();
  for (int i = 0; i < 400; ++i) f.advance(100ms), f.settle();  // the first ttl is over
  for (ObjectId id = 0; id < 500; id += 10) {
    f.receive({id, id + 1, id + 2, id + 3, id + 4, id + 5, id + 6, id + 7, id + 8, id + 9});
    f.settle();
  }
  CHECK(f.dispatcher.known_ids() < 100);
  bool scanned = false;
  for (int i = 0; i < 30; ++i) {
    f.advance(100ms);
    while (!f.expiries.empty()) {
      scanned = scanned || f.expiries.front().scan;
      f.delete_expired(0);
    }
  }
  CHECK(scanned);
}

TEST_CASE("however many ids came while a deletion was under way, the memory granted is kept (S9)") {
  DispatcherByHand f({.fetch_concurrency = 100, .pending_ids_max = 50, .known_ids_max = 50});
  f.act();
  REQUIRE(f.expiries.size() == 1);  // not answered
  for (ObjectId id = 0; id < 2'000; id += 100) {
    std::vector<ObjectId> ids(100);
    std::iota(ids.begin(), ids.end(), id);
    f.receive(ids);
    f.advance(300ms);
    while (!f.applies.empty()) f.commit();
  }
  CHECK(f.dispatcher.known_ids() == 2'000);
  f.delete_expired(0);
  f.advance(300ms);
  CHECK(f.dispatcher.known_ids() <= 100);
}

}  // namespace postoffice::core
