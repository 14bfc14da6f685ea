// What goes into transactions, and again after those that fail.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {

TEST_CASE_FIXTURE(DispatcherByHand,
                  "a touch goes to the store before the source has answered (S4)") {
  receive({5, 7});
  CHECK(applies.empty());
  advance(100ms);
  const auto changes = commit();
  REQUIRE(changes.touches.size() == 2);
  CHECK(changes.touches[0].id == 5);
  CHECK(changes.touches[0].last_seen == now - 100ms);
  CHECK(changes.answers.empty());
}

TEST_CASE_FIXTURE(DispatcherByHand, "a failed transaction goes again and nothing in it is lost") {
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

TEST_CASE_FIXTURE(DispatcherByHand,
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "a store that is down is tried at least every two seconds (S9)") {
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "an answer that comes too late to make a row counts as expired (S6)") {
  receive({1});
  answer(next_fetch());
  commit(Applied{{}, {1}});
  CHECK(counters().expired == 1);
  CHECK(counters().stored == 0);
}

TEST_CASE("where only online objects are kept, an offline answer removes the row") {
  DispatcherByHand f({.keep = Keep::online, .fetch_concurrency = 100});
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "of two answers that could not be stored the later one stays (S3, S5)") {
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

TEST_CASE("full transactions go ahead of those whose end is awaited, others wait") {
  DispatcherByHand f({.fetch_concurrency = 100, .batch_rows_max = 8, .full_batches_in_flight = 4});
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

}  // namespace postoffice::core
