#include "core/dispatcher.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

PipelineOptions small_options() {
  PipelineOptions options;
  options.fetch_concurrency = 100;
  return options;
}

// Plays the parts by hand: what the dispatcher orders is kept until the test says how it ends.
struct Fixture {
  explicit Fixture(PipelineOptions options = small_options()) : dispatcher(options, 42) {}

  Dispatcher dispatcher;
  Timestamp now{1h};
  Sequence sequence = 0;
  Sequence acknowledged = 0;
  Sequence crowded = 0;
  bool reading = true;
  std::deque<FetchOrder> fetches;
  std::deque<ApplyOrder> applies;
  std::deque<RequeueOrder> carries;
  std::deque<Expiry> expiries;

  void act() {
    Actions actions = dispatcher.act(now, now, Timestamp::max(), crowded);
    for (auto& fetch : actions.fetches) fetches.push_back(fetch);
    for (auto& apply : actions.applies) applies.push_back(std::move(apply));
    for (auto& carry : actions.carries) carries.push_back(std::move(carry));
    if (actions.expire) expiries.push_back(std::move(*actions.expire));
    reading = actions.read;
    if (actions.acknowledge) acknowledged = *actions.acknowledge;
    check_identity();
  }
  void check_identity() const {
    const Counters& c = dispatcher.counters();
    REQUIRE(c.delivered == c.stored + c.merged + c.not_found + c.expired + c.dead + c.pending);
  }
  void advance(Duration span) {
    now += span;
    act();
  }
  void receive(std::vector<ObjectId> ids) {
    Delivery delivery;
    delivery.ids = std::move(ids);
    delivery.entries.push_back(
        {++sequence, now, 0, static_cast<std::uint32_t>(delivery.ids.size()), false});
    dispatcher.delivered(delivery, now);
    act();
  }
  void deliver_carried(const RequeueOrder& order) {
    Delivery delivery;
    delivery.ids = order.ids;
    delivery.entries.push_back(
        {++sequence, order.received_at, 0, static_cast<std::uint32_t>(order.ids.size()), true});
    dispatcher.carried(order.token, {}, sequence, now);
    dispatcher.delivered(delivery, now);
    act();
  }
  FetchOrder next_fetch() {
    REQUIRE_FALSE(fetches.empty());
    const FetchOrder fetch = fetches.front();
    fetches.pop_front();
    return fetch;
  }
  void answer(const FetchOrder& fetch, bool online = true) {
    dispatcher.fetched(fetch.token, {{}, fetch.id, online, {}, {}}, now);
    act();
  }
  void fail(const FetchOrder& fetch, Error error = Error::unavailable) {
    dispatcher.fetched(fetch.token, {error, 0, false, {}, "no luck"}, now);
    act();
  }
  // Ends the transaction that began first.
  Changes commit(Applied applied = {}, std::error_code error = {}) {
    REQUIRE_FALSE(applies.empty());
    ApplyOrder order = std::move(applies.front());
    applies.pop_front();
    dispatcher.applied(order.token, error, applied, now);
    act();
    return std::move(order.changes);
  }
  // Lets everything that is under way succeed.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      while (!fetches.empty()) answer(next_fetch());
      advance(100ms);
      while (!applies.empty()) commit();
      while (!expiries.empty()) delete_expired(0);
    }
  }
  // Time goes by with a store that works and a source that is silent.
  void store_for(Duration span) {
    for (const auto end = now + span; now < end;) {
      advance(100ms);
      while (!applies.empty()) commit();
      while (!expiries.empty()) delete_expired(0);
    }
  }
  void delete_expired(std::uint64_t deleted) {
    expiries.pop_front();
    dispatcher.expired({}, {.deleted = deleted, .oldest_left = {}}, now);
    act();
  }
  // Fails every try of everything until nothing is in flight.
  void fail_all() {
    while (!fetches.empty()) fail(next_fetch());
  }
  const Counters& counters() const { return dispatcher.counters(); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "receipts that wait together share one fetch (S3)") {
  auto options = small_options();
  options.fetch_concurrency = 1;
  Fixture f(options);
  f.receive({1});
  const auto first = f.next_fetch();
  for (int i = 0; i < 10; ++i) f.receive({2});
  CHECK(f.fetches.empty());
  f.answer(first);
  CHECK(f.next_fetch().id == 2);
  CHECK(f.fetches.empty());
  CHECK(f.counters().merged == 9);
}

TEST_CASE_FIXTURE(Fixture, "receipts during a fetch cost exactly one more, begun after them (S3)") {
  receive({1});
  const auto first = next_fetch();
  for (int i = 0; i < 5; ++i) receive({1});
  CHECK(fetches.empty());
  answer(first);
  const auto second = next_fetch();
  CHECK(second.id == 1);
  answer(second);
  settle();
  CHECK(counters().fetches == 2);
  CHECK(counters().stored == 2);
  CHECK(counters().merged == 4);
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(Fixture, "a touch goes to the store before the source has answered (S4)") {
  receive({5, 7});
  CHECK(applies.empty());
  advance(100ms);
  const auto changes = commit();
  REQUIRE(changes.touches.size() == 2);
  CHECK(changes.touches[0].id == 5);
  CHECK(changes.touches[0].last_seen == now - 100ms);
  CHECK(changes.answers.empty());
}

TEST_CASE_FIXTURE(Fixture, "an answer carries the newest receipt, not the one it was fetched for") {
  receive({1});
  const auto fetch = next_fetch();
  const auto began = now;
  advance(50ms);
  receive({1});
  answer(fetch);
  const auto changes = commit();
  REQUIRE(changes.answers.size() == 1);
  CHECK(changes.answers[0].last_seen == now);
  CHECK(changes.answers[0].fetched_at == began);
}

TEST_CASE_FIXTURE(Fixture,
                  "a record is acknowledged when its ids are stored and touched, not before") {
  receive({1, 2});
  receive({});
  const auto one = next_fetch();
  const auto two = next_fetch();
  answer(one);
  commit();
  CHECK(acknowledged == 0);
  answer(two);
  CHECK(acknowledged == 0);
  commit();
  CHECK(acknowledged == 0);  // both answers are committed, but their touches wait in a chunk
  advance(100ms);
  commit();
  CHECK(acknowledged == 2);
}

TEST_CASE_FIXTURE(Fixture, "an id that waits with a later record does not hold an earlier one") {
  receive({1});
  receive({1});
  advance(100ms);
  commit();
  CHECK(acknowledged == 1);
  CHECK_FALSE(dispatcher.pending(1));
  CHECK(dispatcher.pending(2));
}

TEST_CASE_FIXTURE(Fixture, "the watermark waits for the touch, not for the fetch (S6)") {
  receive({1});
  const auto received = now;
  advance(100ms);
  REQUIRE(applies.size() == 1);
  advance(10s);
  CHECK(dispatcher.watermark() == received);
  commit();
  CHECK(dispatcher.watermark() == now);
}

TEST_CASE_FIXTURE(Fixture, "the watermark does not pass the queue's frontier") {
  const auto frontier = now - 5s;
  dispatcher.act(now, frontier);
  CHECK(dispatcher.watermark() == frontier);
}

TEST_CASE_FIXTURE(Fixture, "a row is deleted within a second after ttl, and not before (S6)") {
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

TEST_CASE_FIXTURE(Fixture, "nothing is deleted while a touch cannot be committed (S6)") {
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

TEST_CASE_FIXTURE(Fixture, "a deletion that failed is tried again") {
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

TEST_CASE_FIXTURE(Fixture,
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

TEST_CASE_FIXTURE(Fixture, "not found is an answer and ends the id") {
  receive({1});
  fail(next_fetch(), Error::not_found);
  const auto changes = commit();
  CHECK(changes.answers.empty());
  CHECK(changes.cleared == std::vector<ObjectId>{1});
  CHECK(counters().not_found == 1);
  CHECK(counters().fetch_failures == 0);
  advance(100ms);
  commit();
  CHECK(acknowledged == 1);
}

TEST_CASE_FIXTURE(Fixture, "an answer about another id is none (S5)") {
  receive({1});
  const auto fetch = next_fetch();
  dispatcher.fetched(fetch.token, {{}, 2, true, {}, {}}, now);
  act();
  CHECK(counters().fetch_failures == 1);
  CHECK(counters().pending == 1);
  advance(300ms);
  CHECK(next_fetch().id == 1);
}

TEST_CASE_FIXTURE(Fixture, "an answer that comes twice, or after its time, is ignored") {
  receive({1});
  const auto fetch = next_fetch();
  answer(fetch);
  answer(fetch);
  settle();
  CHECK(counters().stored == 1);
  receive({2});
  const auto slow = next_fetch();
  advance(12s);
  CHECK(counters().fetch_failures == 1);
  answer(slow);
  CHECK(counters().stored == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "an id becomes a dead letter after three tries and ttl, not before (S7)") {
  receive({1});
  const auto received = now;
  int tries = 0;
  Changes last;
  while (last.dead_letters.empty()) {
    REQUIRE(now < received + 40s);
    for (; !fetches.empty(); ++tries) fail(next_fetch());
    while (!applies.empty()) last = commit();
    if (last.dead_letters.empty()) {
      CHECK(counters().dead == 0);
      advance(50ms);
    }
  }
  CHECK(now >= received + 30s);
  CHECK(now <= received + 36s);
  CHECK(tries >= 3);
  CHECK(last.dead_letters[0].id == 1);
  CHECK(last.dead_letters[0].received_at == received);
  CHECK(last.dead_letters[0].attempts == tries);
  CHECK(last.dead_letters[0].reason == "no luck");
  CHECK(counters().dead == 1);
  CHECK(acknowledged == 1);
}

TEST_CASE_FIXTURE(Fixture, "an id that is received again and again is not given up") {
  for (int i = 0; i < 600; ++i) {
    if (i % 50 == 0) receive({1});
    fail_all();
    advance(100ms);
    while (!applies.empty()) commit();
  }
  CHECK(counters().dead == 0);
  CHECK(counters().pending == 1);
  CHECK(counters().merged == 11);
}

TEST_CASE_FIXTURE(Fixture, "one bad id does not delay another (S7)") {
  receive({1});
  for (int i = 0; i < 5; ++i) {
    fail_all();
    advance(6s);
  }
  fetches.clear();  // the bad one hangs now
  receive({2});
  CHECK(next_fetch().id == 2);
}

TEST_CASE_FIXTURE(Fixture, "a source that fails everybody is probed once a second (S9)") {
  std::vector<ObjectId> ids;
  for (ObjectId id = 0; id < 100; ++id) ids.push_back(id);
  receive(ids);
  fail_all();
  CHECK(dispatcher.fetches().breaker().open());
  std::size_t probes = 0;
  for (int i = 0; i < 100; ++i) {
    advance(100ms);
    probes += fetches.size();
    fail_all();
  }
  CHECK(probes >= 9);
  CHECK(probes <= 11);
  while (fetches.empty()) advance(100ms);
  answer(next_fetch());
  CHECK_FALSE(dispatcher.fetches().breaker().open());
  for (int i = 0; i < 100; ++i) settle();
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(Fixture, "a failed transaction goes again and nothing in it is lost") {
  receive({1});
  answer(next_fetch());
  const auto first = commit({}, Error::unavailable);
  CHECK(counters().pending == 1);
  CHECK(counters().store_failures == 1);
  CHECK(applies.empty());  // not at once
  CHECK_FALSE(dispatcher.store().up());
  advance(100ms);
  const auto second = commit();
  CHECK(second.answers == first.answers);
  CHECK(counters().stored == 1);
  CHECK(dispatcher.store().up());
}

TEST_CASE_FIXTURE(Fixture,
                  "while the store is away, an id has one answer waiting, the newest (S9)") {
  receive({1});
  answer(next_fetch(), true);
  commit({}, Error::unavailable);
  for (int i = 0; i < 100; ++i) {
    receive({1});
    if (!fetches.empty()) answer(next_fetch(), i % 2 == 0);
    while (!applies.empty()) commit({}, Error::unavailable);
    REQUIRE(dispatcher.store().outcomes_waiting() == 1);
  }
  advance(2s);
  const auto changes = commit();
  REQUIRE(changes.answers.size() == 1);
  CHECK_FALSE(changes.answers[0].online);
  CHECK(changes.answers[0].last_seen == now - 2s);
  CHECK(counters().stored == 1);
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(Fixture, "a store that is down is tried at least every two seconds (S9)") {
  receive({1});
  auto last = now;
  for (int i = 0; i < 400; ++i) {
    advance(50ms);
    if (applies.empty()) continue;
    CHECK(now - last <= 2100ms);
    last = now;
    commit({}, Error::unavailable);
  }
  CHECK(now - last <= 2100ms);
}

TEST_CASE_FIXTURE(Fixture, "an answer that comes too late to make a row counts as expired (S6)") {
  receive({1});
  answer(next_fetch());
  commit(Applied{{}, {1}});
  CHECK(counters().expired == 1);
  CHECK(counters().stored == 0);
}

TEST_CASE_FIXTURE(Fixture, "a row made from an answer for an expired id is deleted after all") {
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

TEST_CASE_FIXTURE(Fixture,
                  "where only online objects are kept, an offline answer removes the row") {
  auto options = small_options();
  options.keep = Keep::online;
  Fixture f(options);
  f.receive({1, 2});
  f.dispatcher.fetched(f.next_fetch().token, {{}, 1, false, {}, {}}, f.now);
  f.dispatcher.fetched(f.next_fetch().token, {{}, 2, true, {}, {}}, f.now);
  f.act();
  const auto changes = f.commit();
  REQUIRE(changes.removals.size() == 1);
  CHECK(changes.removals[0].id == 1);
  REQUIRE(changes.answers.size() == 1);
  CHECK(changes.answers[0].id == 2);
  CHECK(f.counters().stored == 2);
}

TEST_CASE_FIXTURE(Fixture, "an id that waits for long is carried forward, and the queue moves on") {
  auto options = small_options();
  options.attempts_min = 1000;  // never given up
  Fixture f(options);
  f.receive({1});
  const auto received = f.now;
  f.receive({2});
  for (int i = 0; i < 700 && f.carries.empty(); ++i) {
    while (!f.fetches.empty()) {
      const auto fetch = f.next_fetch();
      if (fetch.id == 1)
        f.fail(fetch);
      else
        f.answer(fetch);
    }
    while (!f.applies.empty()) f.commit();
    while (!f.expiries.empty()) f.delete_expired(0);
    f.advance(100ms);
  }
  REQUIRE(f.carries.size() == 1);
  CHECK(f.now >= received + 60s);
  CHECK(f.carries.front().ids == std::vector<ObjectId>{1});
  CHECK(f.carries.front().received_at == received);
  CHECK(f.acknowledged == 0);
  f.deliver_carried(f.carries.front());
  CHECK(f.acknowledged == 2);
  CHECK(f.counters().pending == 1);
  CHECK(f.counters().delivered == 2);
  f.settle();
  for (int i = 0; i < 60; ++i) f.settle();
  CHECK(f.acknowledged == 3);
  CHECK(f.counters().pending == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "ids without room wait in the queue, are touched, and fetched in the end") {
  auto options = small_options();
  options.pending_ids_max = 10;
  options.fetch_concurrency = 5;
  Fixture f(options);
  std::vector<ObjectId> ids;
  for (ObjectId id = 0; id < 40; ++id) ids.push_back(id);
  f.receive(ids);
  CHECK(f.counters().pending == 40);
  CHECK(f.dispatcher.waiting_ids() == 30);
  CHECK(f.dispatcher.oldest_waiting() == f.now);
  CHECK(f.dispatcher.behind_since() == f.now);
  CHECK(f.dispatcher.pending(1));
  CHECK(f.dispatcher.watermark() == f.now);
  std::set<ObjectId> stored, touched;
  for (int i = 0; i < 100; ++i) {
    for (int k = 0; k < 2 && !f.fetches.empty(); ++k) f.answer(f.next_fetch());
    f.advance(100ms);
    while (!f.applies.empty()) {
      const Changes changes = f.commit();
      for (const Object& object : changes.answers) stored.insert(object.id);
      for (const Touch& touch : changes.touches) touched.insert(touch.id);
    }
    while (!f.expiries.empty()) f.delete_expired(0);
  }
  CHECK(stored.size() == 40);
  CHECK(touched.size() >= 30);
  CHECK(f.counters().stored == 40);
  CHECK(f.counters().carried == 0);
  CHECK(f.counters().pending == 0);
  CHECK(f.dispatcher.behind_since() == Timestamp::max());
  CHECK(f.acknowledged == f.sequence);
}

// Ids 1 and 2 are being fetched, 3 waits in the queue alone, and the queue wants it out of the way.
struct Waiting : Fixture {
  Waiting() : Fixture(options_of_two()) {
    receive({1, 2, 3});
    store_for(200ms);
    REQUIRE(carries.empty());
    crowded = 1;
    store_for(1s);
    REQUIRE(of_three().ids == std::vector<ObjectId>{3});
  }
  static PipelineOptions options_of_two() {
    auto options = small_options();
    options.pending_ids_max = 2;
    return options;
  }
  RequeueOrder of_three() {
    for (const auto& order : carries) {
      if (order.ids == std::vector<ObjectId>{3}) return order;
    }
    return {};
  }
  void finish_two() {
    answer(next_fetch());
    answer(next_fetch());
    commit_all();
  }
  void commit_all() {
    while (!applies.empty()) commit();
    advance(100ms);
    while (!applies.empty()) commit();
  }
  void carry_fails(const RequeueOrder& order) {
    dispatcher.carried(order.token, Error::storage_full, 0, now);
  }
};

TEST_CASE_FIXTURE(Waiting, "a record is kept until what waits in it is durable elsewhere") {
  const auto order = of_three();
  for (const auto& other : carries) {
    if (other.token != order.token) carry_fails(other);
  }
  crowded = 0;
  finish_two();
  CHECK(acknowledged == 0);
  dispatcher.carried(order.token, {}, 2, now);
  act();
  CHECK(acknowledged == 1);
  CHECK(dispatcher.waiting_ids() == 1);
}

TEST_CASE_FIXTURE(Waiting, "a queue too full to carry ids forward holds up nothing for ever") {
  for (const auto& order : std::exchange(carries, {})) carry_fails(order);
  store_for(2s);
  CHECK(of_three().ids.size() == 1);  // tried again
  for (const auto& order : std::exchange(carries, {})) carry_fails(order);
  crowded = 0;
  finish_two();
  const auto third = next_fetch();
  CHECK(third.id == 3);
  answer(third);
  commit_all();
  CHECK(acknowledged == 1);
  CHECK(counters().stored == 3);
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(Fixture, "what waits in the queue alone is in the next transactions (I5, S4)") {
  auto options = small_options();
  options.pending_ids_max = 100;
  options.batch_rows_max = 50;
  Fixture f(options);
  f.receive({1});
  f.settle();
  std::vector<ObjectId> many;
  for (ObjectId id = 1'000; id < 11'000; ++id) many.push_back(id);
  f.receive(many);
  f.advance(200ms);
  f.receive({1, 2});  // one that may have a row, and one that has none as far as is known
  const auto received = f.now;
  f.advance(100ms);
  std::set<ObjectId> touched;
  for (int i = 0; i < 12 && touched.size() < 2; ++i) {
    f.act();
    for (const Touch& touch : f.commit().touches) {
      if (touch.last_seen == received) touched.insert(touch.id);
    }
  }
  CHECK(touched == std::set<ObjectId>{1, 2});
  CHECK(f.dispatcher.watermark() < received);
  for (int i = 0; i < 1'000 && !f.applies.empty(); ++i) f.commit();
  f.store_for(1s);
  CHECK(f.dispatcher.watermark() == f.now);
}

TEST_CASE_FIXTURE(Fixture, "an id that was never tried is among the next fetches (I5, S3)") {
  auto options = small_options();
  options.pending_ids_max = 100;
  options.fetch_concurrency = 4;
  Fixture f(options);
  std::vector<ObjectId> many;
  for (ObjectId id = 1'000; id < 3'000; ++id) many.push_back(id);
  f.receive(many);
  f.store_for(2s);
  f.receive({1});
  int before = 0;
  while (f.fetches.back().id != 1 && before < 20) {
    f.answer(f.next_fetch());
    while (!f.applies.empty()) f.commit();
    ++before;
  }
  CHECK(before <= 3);
}

TEST_CASE_FIXTURE(Fixture,
                  "what has waited for ttl untried ends as expired, without a fetch (S8)") {
  auto options = small_options();
  options.pending_ids_max = 6;
  options.fetch_concurrency = 4;
  options.fetch_timeout = 1min;
  Fixture f(options);
  f.receive({1, 2, 3, 4, 5, 6, 7, 8});
  REQUIRE(f.fetches.size() == 4);
  f.store_for(30'100ms);
  CHECK(f.counters().expired == 4);
  CHECK(f.counters().pending == 4);
  std::set<ObjectId> asked;
  for (const auto& fetch : f.fetches) asked.insert(fetch.id);
  CHECK(asked.size() == 4);
  f.settle();
  CHECK(f.counters().pending == 0);
  CHECK(f.acknowledged == 1);
}

TEST_CASE_FIXTURE(Fixture, "beyond the memory granted no callback is read (S9)") {
  auto options = small_options();
  options.pending_ids_max = 2;
  options.waiting_ids_max = 100;
  Fixture f(options);
  f.receive({1, 2, 3});
  CHECK(f.reading);
  f.receive({4, 5, 6});
  f.receive({7, 8, 9});
  CHECK_FALSE(f.reading);
  f.settle();
  CHECK(f.reading);
  CHECK(f.counters().stored == 9);
}

TEST_CASE_FIXTURE(Fixture, "of two answers that could not be stored the later one stays (S3, S5)") {
  receive({1});
  answer(next_fetch(), false);
  REQUIRE(applies.size() == 1);
  now += 10ms;
  receive({1});
  answer(next_fetch(), true);
  REQUIRE(applies.size() == 2);
  commit({}, Error::unavailable);
  commit({}, Error::unavailable);
  advance(1s);
  const auto changes = commit();
  REQUIRE(changes.answers.size() == 1);
  CHECK(changes.answers[0].online);
}

TEST_CASE_FIXTURE(Fixture,
                  "a receipt is held although a later transaction overtakes its own (S6)") {
  auto options = small_options();
  options.batch_rows_max = 2;
  Fixture f(options);
  f.receive({1, 2});
  f.commit({{1, 2}, {}});  // no rows: touched again a second later, which holds nothing
  f.receive({11, 12});
  f.receive({13, 14});
  f.advance(1s);
  REQUIRE(f.applies.size() == 2);
  f.receive({3});
  const auto received = f.now;
  f.receive({1});  // waits with the repeated touch
  f.commit();
  f.commit();
  f.advance(100ms);
  REQUIRE(f.applies.size() == 2);
  const auto second = f.applies.back().token;
  f.commit({}, Error::unavailable);
  f.dispatcher.applied(second, {}, {}, f.now);
  f.advance(10ms);
  CHECK(f.dispatcher.watermark() <= received);
  f.applies.clear();
}

TEST_CASE("full transactions go ahead of those whose end is awaited, others wait") {
  auto options = small_options();
  options.batch_rows_max = 8;
  options.full_batches_in_flight = 4;
  Fixture f(options);
  const auto receive = [&](ObjectId first, ObjectId end) {
    for (ObjectId id = first; id < end; ++id) f.receive({id});
    while (!f.fetches.empty()) f.answer(f.next_fetch());
  };
  receive(1, 2);
  receive(2, 3);
  REQUIRE(f.applies.size() == 2);
  receive(3, 8);
  CHECK(f.applies.size() == 2);
  receive(8, 9);
  CHECK(f.applies.size() == 3);
  receive(9, 40);
  CHECK(f.applies.size() == 4);
  SUBCASE("one that works makes room for the next full one") {
    f.commit();
    CHECK(f.applies.size() == 4);
  }
  SUBCASE("after a failure the store is tried with one, when no other is under way") {
    f.commit({}, Error::unavailable);
    f.advance(1s);
    CHECK(f.applies.size() == 3);
    while (!f.applies.empty()) f.commit({}, Error::unavailable);
    f.advance(10s);
    CHECK(f.applies.size() == 1);
  }
  f.settle();
  CHECK(f.counters().stored == 39);
}

TEST_CASE_FIXTURE(Fixture,
                  "an older receipt that comes later, carried by another run, keeps the newer") {
  const auto early = now;
  advance(5s);
  receive({1});
  Delivery old;
  old.ids = {1};
  old.entries.push_back({++sequence, early, 0, 1, false});
  dispatcher.delivered(old, now);
  act();
  advance(1s);
  while (!applies.empty()) commit();
  CHECK(acknowledged == 0);
  settle();
  CHECK(acknowledged == 2);
}

namespace {

PipelineOptions two_ids() {
  auto options = small_options();
  options.pending_ids_max = options.known_ids_max = 2;
  return options;
}

// 3 is being fetched for its first receipt, while its second is on its way round the queue.
struct Overtaken : Fixture {
  Timestamp first, second;
  RequeueOrder newer;

  Overtaken() : Fixture(two_ids()) {
    settle();
    receive({1, 2});
    receive({3});  // no room, and its touch finds no row
    first = now;
    store_for(1s);
    receive({3});
    second = now;
    crowded = sequence;
    store_for(2s);
    crowded = 0;
    REQUIRE(carries.size() == 3);
    REQUIRE(carries[1].received_at == first);
    newer = carries[2];
    dispatcher.carried(carries[0].token, Error::storage_error, 0, now);
    answer(next_fetch());
    answer(next_fetch());
    store_for(1s);
    deliver_carried(carries[1]);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Overtaken,
                  "the watermark waits until a receipt that was away is on its row (S6)") {
  const auto overtaken = now;
  answer(next_fetch());
  CHECK(commit().answers[0].last_seen == first);
  store_for(3s);
  CHECK(dispatcher.watermark() <= overtaken);
  deliver_carried(newer);
  CHECK(dispatcher.watermark() <= overtaken);
  advance(100ms);
  bool touched = false;
  while (!applies.empty()) {
    CHECK(dispatcher.watermark() <= overtaken);
    for (const Touch& touch : commit().touches) touched |= touch.last_seen == second;
  }
  CHECK(touched);
  store_for(1s);
  CHECK(dispatcher.watermark() == now);
}

TEST_CASE_FIXTURE(Overtaken,
                  "a receipt that was away counts for a row that is still to come (S6)") {
  deliver_carried(newer);
  for (int i = 0; i < 5; ++i) {
    advance(100ms);
    while (!applies.empty()) commit({.missing = {3}, .late = {}});
  }
  answer(next_fetch());
  CHECK(commit().answers[0].last_seen == second);
}

TEST_CASE_FIXTURE(Fixture, "ids in the way of a crowded queue are carried forward at once") {
  receive({1});
  receive({2});
  receive({3});
  advance(100ms);
  while (!applies.empty()) commit();  // the touches
  CHECK(carries.empty());
  const auto hurried = dispatcher.act(now, now, Timestamp::max(), 2);
  REQUIRE(hurried.carries.size() == 1);  // they were received in one instant
  CHECK(hurried.carries[0].ids == std::vector<ObjectId>{1, 2});
  CHECK(dispatcher.act(now + 1s, now, Timestamp::max(), 2).carries.empty());
  deliver_carried(hurried.carries[0]);
  CHECK(acknowledged == 2);
}

TEST_CASE_FIXTURE(Fixture, "the watermark follows a frontier that goes back (S6)") {
  settle();
  CHECK(dispatcher.watermark() == now);
  const auto behind = now - 20s;
  dispatcher.act(now, behind);
  CHECK(dispatcher.watermark() == behind);
  dispatcher.act(now, behind + 1s);
  CHECK(dispatcher.watermark() == behind + 1s);
  dispatcher.act(now, Timestamp::min());  // nobody was heard
  CHECK(dispatcher.watermark() == Timestamp{});
  dispatcher.act(now, now);
  CHECK(dispatcher.watermark() == now);
}

TEST_CASE_FIXTURE(Fixture, "touches of a callback stamped behind the watermark hold it (S6)") {
  settle();
  const auto behind = now - 20s;
  Delivery delivery;
  delivery.ids = {1};
  delivery.entries.push_back({++sequence, behind, 0, 1, false});
  dispatcher.delivered(delivery, now);
  act();  // its publisher's newest stamp is the present again
  CHECK(dispatcher.watermark() == behind);
  settle();
  CHECK(dispatcher.watermark() == now);
}

TEST_CASE_FIXTURE(Waiting, "carried records are known by their receipts, not by their places") {
  const auto order = of_three();
  for (const auto& other : carries) {
    if (other.token != order.token) carry_fails(other);
  }
  crowded = 0;
  constexpr Sequence receipt = 1'000;
  dispatcher.carried(order.token, {}, receipt, now);
  receive({4});  // somebody else's, in between
  Delivery delivery;
  delivery.ids = order.ids;
  delivery.entries.push_back({++sequence, order.received_at, 0, 1, true, receipt});
  settle();
  dispatcher.delivered(delivery, now);
  act();
  CHECK(next_fetch().id == 3);
}

TEST_CASE_FIXTURE(Fixture, "no row is deleted that was seen after the time on record (S6)") {
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

TEST_CASE_FIXTURE(Fixture,
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

TEST_CASE_FIXTURE(Fixture, "draining begins no fetch and sends touches at once (S10)") {
  receive({1});
  const auto fetch = next_fetch();
  dispatcher.drain();
  receive({2});
  CHECK(fetches.empty());
  REQUIRE(applies.size() >= 1);
  commit();
  answer(fetch);
  CHECK(commit().answers.size() == 1);
  CHECK(dispatcher.store().touches_waiting() + dispatcher.fetches().in_flight() <= 1);
  CHECK(counters().pending == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "beyond the memory granted, ids are forgotten and rows found by scanning") {
  auto options = small_options();
  options.known_ids_max = options.pending_ids_max = 50;
  Fixture f(options);
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
  auto options = small_options();
  options.known_ids_max = options.pending_ids_max = 50;
  Fixture f(options);
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

TEST_CASE("fetches in flight are as many as the source is found to take") {
  PipelineOptions options;
  options.fetch_concurrency = 1'000;
  Fixture f(options);
  std::vector<ObjectId> ids;
  for (ObjectId id = 1; id <= 2'000; ++id) ids.push_back(id);
  f.receive(ids);
  REQUIRE(f.fetches.size() == options.fetch_limit_first);
  f.now += 1s;
  for (int i = 0; i < 100; ++i) f.answer(f.next_fetch());
  CHECK(f.dispatcher.fetches().limit() == options.fetch_limit_first + 100);
  CHECK(f.dispatcher.fetches().in_flight() == options.fetch_limit_first + 100);

  // Refusals shrink it, but not those that are about the id.
  const auto before = f.dispatcher.fetches().limit();
  for (int i = 0; i < 30; ++i) f.fail(f.next_fetch(), Error::refused);
  CHECK(f.dispatcher.fetches().limit() == before);
  f.answer(f.next_fetch());
  for (int i = 0; i < 30; ++i) f.fail(f.next_fetch());
  CHECK(f.dispatcher.fetches().limit() < before - 15);
  CHECK(f.dispatcher.fetches().in_flight() >= f.dispatcher.fetches().limit());
}
