#include "core/touch_stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Ledger ledger{1};
  TouchStage touches{ledger, 3, 100ms};
  Timestamp start{1h};

  EntryIndex receive(ObjectId id, Timestamp received, Sequence sequence) {
    const auto index = ledger.find_or_add(id);
    ledger[index].last_receipt = received;
    ledger.set_unserved(index, sequence);
    touches.add(index, received, sequence, received);
    return index;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "touches wait for their delay, a full chunk does not") {
  receive(1, start, 1);
  CHECK_FALSE(touches.due(start + 99ms));
  CHECK(touches.due(start + 100ms));
  receive(2, start, 2);
  receive(3, start, 3);
  CHECK(touches.due(start));
}

TEST_CASE_FIXTURE(Fixture, "the oldest receipt holds until its chunk is committed (S6)") {
  receive(1, start, 1);
  receive(2, start + 1s, 2);
  CHECK(touches.oldest() == start);
  CHECK(touches.first() == 1);
  auto chunk = touches.take_chunk();
  CHECK(chunk.oldest == start);
  CHECK(touches.oldest() == Timestamp::max());
  touches.failed(std::move(chunk));
  CHECK(touches.oldest() == start);
  CHECK(touches.size() == 2);
  touches.committed(touches.take_chunk());
  CHECK(touches.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a receipt that meets a waiting touch rides along with its newer time") {
  receive(1, start, 1);
  receive(1, start + 50ms, 2);
  const auto chunk = touches.take_chunk();
  const auto built = touches.build(chunk);
  REQUIRE(built.size() == 1);
  CHECK(built[0].last_seen == start + 50ms);
}

TEST_CASE_FIXTURE(Fixture, "a receipt that meets a repeated touch holds the watermark (S6)") {
  const auto index = receive(1, start, 1);
  touches.committed(touches.take_chunk());
  touches.add_missing(index, start);
  touches.repeat_missing(start + 1s);
  CHECK(touches.oldest() == Timestamp::max());
  receive(1, start + 1s, 2);
  CHECK(touches.oldest() == start + 1s);
  CHECK(touches.first() == 2);
  auto chunk = touches.take_chunk();
  CHECK(touches.build(chunk).size() == 1);
  touches.failed(std::move(chunk));
  CHECK(touches.oldest() == start + 1s);
}

TEST_CASE_FIXTURE(Fixture, "an older receipt that meets a waiting touch holds the watermark (S6)") {
  receive(1, start + 5s, 7);
  const auto index = ledger.find(1);
  touches.add(index, start, 9, start + 5s);
  CHECK(touches.oldest() == start);
  CHECK(touches.first() == 7);
}

TEST_CASE_FIXTURE(Fixture, "two chunks that failed come again in their order (S6)") {
  const auto index = receive(1, start, 1);
  touches.committed(touches.take_chunk());
  touches.add_missing(index, start);
  touches.repeat_missing(start + 1s);  // a chunk that holds nothing …
  for (ObjectId id = 2; id <= 4; ++id) receive(id, start + 1s, static_cast<Sequence>(id));
  receive(1, start + 2s, 5);  // … and the next one, which holds this receipt
  auto first = touches.take_chunk();
  auto second = touches.take_chunk();
  REQUIRE(second.oldest == start + 1s);
  touches.failed(std::move(first));
  touches.failed(std::move(second));
  const auto again = touches.take_chunk();
  CHECK(std::find(again.ids.begin(), again.ids.end(), index) != again.ids.end());
  touches.committed(again);
  CHECK(touches.oldest() == start + 1s);
}

TEST_CASE_FIXTURE(Fixture, "a receipt that comes while its touch is on the way needs another") {
  receive(1, start, 1);
  const auto chunk = touches.take_chunk();
  receive(1, start + 50ms, 2);
  CHECK(touches.size() == 1);
  CHECK(touches.oldest() == start + 50ms);
  touches.committed(chunk);
  CHECK(touches.first() == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "a chunk that failed beside a newer touch of its id is still one touch") {
  receive(1, start, 1);
  auto chunk = touches.take_chunk();
  receive(1, start + 50ms, 2);
  touches.failed(std::move(chunk));
  const auto first = touches.take_chunk();
  CHECK(touches.build(first).size() == 1);
  touches.committed(first);
  touches.committed(touches.take_chunk());
  CHECK(ledger[ledger.find(1)].touching == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "while the store is away, a receipt that comes again takes no more place (S9)") {
  receive(1, start, 1);
  for (int i = 0; i < 1'000; ++i) {
    auto chunk = touches.take_chunk();
    receive(1, start + 1s, 2);
    touches.failed(std::move(chunk));
    REQUIRE(touches.size() <= 2);
  }
  CHECK(touches.oldest() == start);
  touches.committed(touches.take_chunk());
  CHECK(touches.oldest() == start + 1s);
  touches.committed(touches.take_chunk());
  CHECK(ledger[ledger.find(1)].touching == 0);
  CHECK(touches.oldest() == Timestamp::max());
}

TEST_CASE_FIXTURE(Fixture, "the oldest receipt is that of all chunks, whatever their order (S6)") {
  for (ObjectId id = 0; id < 9; ++id) {
    receive(id, start + std::chrono::seconds((id * 5) % 9), static_cast<Sequence>(20 - id));
  }
  CHECK(touches.oldest() == start);  // 0 5 1, 6 2 7, 3 8 4
  CHECK(touches.first() == 12);
  auto first = touches.take_chunk();
  CHECK(touches.oldest() == start + 2s);
  auto second = touches.take_chunk();
  CHECK(touches.oldest() == start + 3s);
  touches.failed(std::move(second));
  CHECK(touches.oldest() == start + 2s);
  touches.failed(std::move(first));
  CHECK(touches.oldest() == start);
  CHECK(touches.first() == 12);
}

TEST_CASE_FIXTURE(Fixture, "a touch without a row is repeated every second until resolved (S4)") {
  const auto index = receive(1, start, 1);
  touches.committed(touches.take_chunk());
  touches.add_missing(index, start);
  touches.add_missing(index, start);
  touches.repeat_missing(start + 999ms);
  CHECK(touches.size() == 0);
  touches.repeat_missing(start + 1s);
  CHECK(touches.size() == 1);
  CHECK(touches.oldest() == Timestamp::max());  // it has been committed once: nothing to hold
  touches.committed(touches.take_chunk());
  touches.add_missing(index, start + 1s);
  ledger.set_served(index);
  touches.repeat_missing(start + 2s);
  CHECK(touches.size() == 0);
  CHECK(ledger[index].touching == 0);
}

TEST_CASE_FIXTURE(Fixture, "repetitions take a share of the time, however many there are (S4)") {
  for (ObjectId id = 1; id <= 30; ++id) {
    const auto index = receive(id, start, 1);
    touches.committed(touches.take_chunk());
    touches.add_missing(index, start);
  }
  touches.repeat_missing(start + 1s);
  CHECK(touches.size() == 3);
  touches.repeat_missing(start + 1s);
  CHECK(touches.size() == 3);
  touches.committed(touches.take_chunk());
  CHECK(touches.next_wake_at() > start + 1s);
  for (int i = 1; i < 10; ++i) {
    touches.repeat_missing(start + 1s + i * 50ms);
    touches.committed(touches.take_chunk());
  }
  CHECK(touches.size() == 0);
  CHECK(touches.next_wake_at() ==
        Timestamp::max());  // each was touched, and nothing is missing now
}

TEST_CASE_FIXTURE(Fixture, "touches of the backlog come after what is due, and do come") {
  touches.offer({{100, start}});
  CHECK(touches.due(start));
  receive(1, start, 1);  // not due yet
  auto chunk = touches.take_chunk(start);
  CHECK(chunk.backlog.size() == 1);
  touches.backlog_committed(std::move(chunk), {});
  CHECK(touches.take_backlog_ended());
  touches.offer({{100, start}});
  int before = 0;
  for (; before < 20; ++before) {
    receive(2, start, 1);
    receive(3, start, 1);
    receive(4, start, 1);
    chunk = touches.take_chunk(start);
    if (!chunk.backlog.empty()) break;
    touches.committed(chunk);
  }
  CHECK(before == 8);
}

TEST_CASE_FIXTURE(Fixture, "touches of the backlog that failed go again, and tell how they ended") {
  touches.offer({{7, start}, {9, start}});
  touches.failed(touches.take_chunk(start));
  auto chunk = touches.take_chunk(start);
  CHECK(touches.build(chunk).size() == 2);
  CHECK_FALSE(touches.take_backlog_ended());
  touches.backlog_committed(std::move(chunk), {7});
  const auto ended = touches.take_backlog_ended();
  REQUIRE(ended);
  CHECK(ended->touches.size() == 2);
  CHECK(ended->missing == std::vector<ObjectId>{7});
  CHECK_FALSE(touches.due(start + 1h));
}

TEST_CASE_FIXTURE(Fixture, "touches of the backlog that go in parts have ended with the last one") {
  touches.offer({{1, start}, {3, start}, {5, start}, {7, start}, {9, start}});
  auto one = touches.take_chunk(start, 2);
  auto two = touches.take_chunk(start, 2);
  CHECK(one.backlog.size() == 2);
  touches.failed(std::move(one));
  touches.backlog_committed(std::move(two), {5});
  auto ended = touches.take_backlog_ended();
  REQUIRE(ended);
  CHECK_FALSE(ended->last);
  CHECK(ended->touches.size() == 2);
  auto rest = touches.take_chunk(start);
  std::vector<ObjectId> ids;
  for (const Touch& touch : touches.build(rest)) ids.push_back(touch.id);
  CHECK(ids == std::vector<ObjectId>{1, 7, 9});
  touches.backlog_committed(std::move(rest), {});
  ended = touches.take_backlog_ended();
  REQUIRE(ended);
  CHECK(ended->last);
  CHECK_FALSE(touches.due(start + 1h));
}
