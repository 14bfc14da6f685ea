// How far the two marks may go: the watermark and the acknowledgement.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {

TEST_CASE_FIXTURE(DispatcherByHand,
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "an id that waits with a later record does not hold an earlier one") {
  receive({1});
  receive({1});
  advance(100ms);
  commit();
  CHECK(acknowledged == 1);
  CHECK_FALSE(dispatcher.pending(1));
  CHECK(dispatcher.pending(2));
}

TEST_CASE_FIXTURE(DispatcherByHand, "the watermark waits for the touch, not for the fetch (S6)") {
  receive({1});
  const auto received = now;
  advance(100ms);
  REQUIRE(applies.size() == 1);
  advance(10s);
  CHECK(dispatcher.watermark() == received);
  commit();
  CHECK(dispatcher.watermark() == now);
}

TEST_CASE_FIXTURE(DispatcherByHand, "the watermark does not pass the queue's frontier") {
  const auto frontier = now - 5s;
  dispatcher.act(now, frontier);
  CHECK(dispatcher.watermark() == frontier);
}

TEST_CASE("a receipt is held although a later transaction overtakes its own (S6)") {
  DispatcherByHand f({.fetch_concurrency = 100, .batch_rows_max = 2});
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

TEST_CASE_FIXTURE(DispatcherByHand, "the watermark follows a frontier that goes back (S6)") {
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "touches of a callback stamped behind the watermark hold it (S6)") {
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

TEST_CASE_FIXTURE(DispatcherByHand,
                  "an older receipt that comes later, requeued by another run, keeps the newer") {
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

}  // namespace postoffice::core
