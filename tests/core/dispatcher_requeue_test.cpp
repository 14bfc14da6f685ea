// Ids that wait in the queue alone, and what is put into it again.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {

TEST_CASE("an id that waits for long is requeued, and the queue moves on") {
  DispatcherByHand f({.fetch_concurrency = 100, .attempts_min = 1000});  // never given up
  f.receive({1});
  const auto received = f.now;
  f.receive({2});
  for (int i = 0; i < 700 && f.requeues.empty(); ++i) {
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
  REQUIRE(f.requeues.size() == 1);
  CHECK(f.now >= received + 60s);
  CHECK(f.requeues.front().ids == std::vector<ObjectId>{1});
  CHECK(f.requeues.front().received_at == received);
  CHECK(f.acknowledged == 0);
  f.deliver_requeued(f.requeues.front());
  CHECK(f.acknowledged == 2);
  CHECK(f.counters().pending == 1);
  CHECK(f.counters().delivered == 2);
  f.settle();
  for (int i = 0; i < 60; ++i) f.settle();
  CHECK(f.acknowledged == 3);
  CHECK(f.counters().pending == 0);
}

TEST_CASE("ids without room wait in the queue, are touched, and fetched in the end") {
  DispatcherByHand f({.fetch_concurrency = 5, .pending_ids_max = 10});
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
  CHECK(f.counters().requeued == 0);
  CHECK(f.counters().pending == 0);
  CHECK(f.dispatcher.behind_since() == Timestamp::max());
  CHECK(f.acknowledged == f.sequence);
}

namespace {

// Ids 1 and 2 are being fetched, 3 waits in the queue alone, and the queue wants it out of the way.
struct Waiting : DispatcherByHand {
  Waiting() : DispatcherByHand({.fetch_concurrency = 100, .pending_ids_max = 2}) {
    receive({1, 2, 3});
    store_for(200ms);
    REQUIRE(requeues.empty());
    crowded = 1;
    store_for(1s);
    REQUIRE(of_three().ids == std::vector<ObjectId>{3});
  }
  RequeueOrder of_three() {
    for (const auto& order : requeues) {
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
  void requeue_fails(const RequeueOrder& order) {
    dispatcher.requeued(order.token, Error::storage_full, 0, now);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Waiting, "a record is kept until what waits in it is durable elsewhere") {
  const auto order = of_three();
  for (const auto& other : requeues) {
    if (other.token != order.token) requeue_fails(other);
  }
  crowded = 0;
  finish_two();
  CHECK(acknowledged == 0);
  dispatcher.requeued(order.token, {}, 2, now);
  act();
  CHECK(acknowledged == 1);
  CHECK(dispatcher.waiting_ids() == 1);
}

TEST_CASE_FIXTURE(Waiting, "a queue too full to requeue ids holds up nothing forever") {
  for (const auto& order : std::exchange(requeues, {})) requeue_fails(order);
  store_for(2s);
  CHECK(of_three().ids.size() == 1);  // tried again
  for (const auto& order : std::exchange(requeues, {})) requeue_fails(order);
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

TEST_CASE("what waits in the queue alone is in the next transactions (I5, S4)") {
  DispatcherByHand f({.fetch_concurrency = 100, .pending_ids_max = 100, .batch_rows_max = 50});
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

TEST_CASE("an id that was never tried is among the next fetches (I5, S3)") {
  DispatcherByHand f({.fetch_concurrency = 4, .pending_ids_max = 100});
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

TEST_CASE("what has waited for ttl untried ends as expired, without a fetch (S8)") {
  DispatcherByHand f({.fetch_concurrency = 4, .fetch_timeout = 1min, .pending_ids_max = 6});
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

TEST_CASE("beyond the memory granted no callback is read (S9)") {
  DispatcherByHand f({.fetch_concurrency = 100, .pending_ids_max = 2, .waiting_ids_max = 100});
  f.receive({1, 2, 3});
  CHECK(f.reading);
  f.receive({4, 5, 6});
  f.receive({7, 8, 9});
  CHECK_FALSE(f.reading);
  f.settle();
  CHECK(f.reading);
  CHECK(f.counters().stored == 9);
}

TEST_CASE_FIXTURE(Waiting, "requeued records are known by their receipts, not by their places") {
  const auto order = of_three();
  for (const auto& other : requeues) {
    if (other.token != order.token) requeue_fails(other);
  }
  crowded = 0;
  constexpr Sequence receipt = 1'000;
  dispatcher.requeued(order.token, {}, receipt, now);
  receive({4});  // somebody else's, in between
  Delivery delivery;
  delivery.ids = order.ids;
  delivery.entries.push_back({++sequence, order.received_at, 0, 1, true, receipt});
  settle();
  dispatcher.delivered(delivery, now);
  act();
  CHECK(next_fetch().id == 3);
}

namespace {

// 3 is being fetched for its first receipt, while its second is on its way round the queue.
struct Overtaken : DispatcherByHand {
  Timestamp first, second;
  RequeueOrder newer;

  Overtaken()
      : DispatcherByHand({.fetch_concurrency = 100, .pending_ids_max = 2, .known_ids_max = 2}) {
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
    REQUIRE(requeues.size() == 3);
    REQUIRE(requeues[1].received_at == first);
    newer = requeues[2];
    dispatcher.requeued(requeues[0].token, Error::storage_error, 0, now);
    answer(next_fetch());
    answer(next_fetch());
    store_for(1s);
    deliver_requeued(requeues[1]);
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
  deliver_requeued(newer);
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
  deliver_requeued(newer);
  for (int i = 0; i < 5; ++i) {
    advance(100ms);
    while (!applies.empty()) commit({.missing = {3}, .late = {}});
  }
  answer(next_fetch());
  CHECK(commit().answers[0].last_seen == second);
}

TEST_CASE_FIXTURE(DispatcherByHand, "ids in the way of a crowded queue are requeued at once") {
  receive({1});
  receive({2});
  receive({3});
  advance(100ms);
  while (!applies.empty()) commit();  // the touches
  CHECK(requeues.empty());
  const auto hurried = dispatcher.act(now, now, Timestamp::max(), 2);
  REQUIRE(hurried.requeues.size() == 1);  // they were received in one instant
  CHECK(hurried.requeues[0].ids == std::vector<ObjectId>{1, 2});
  CHECK(dispatcher.act(now + 1s, now, Timestamp::max(), 2).requeues.empty());
  deliver_requeued(hurried.requeues[0]);
  CHECK(acknowledged == 2);
}

}  // namespace postoffice::core
