#include "core/backlog.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Backlog backlog;
  Timestamp start{1h};

  void add(Sequence sequence, Timestamp received, ObjectId first, ObjectId count) {
    for (ObjectId id = first; id < first + count; ++id)
      backlog.add(id, received, sequence, received);
  }
  std::vector<ObjectId> touch(std::size_t rows_max) {
    std::vector<ObjectId> ids;
    for (const Touch& touch : backlog.begin_touches(rows_max)) ids.push_back(touch.id);
    return ids;
  }
  void touch_all() {
    while (!touch(1'000).empty()) backlog.end_touches();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "receipts leave newest first, in whatever order they came") {
  add(1, start + 1s, 1, 1);
  add(2, start, 1, 1);  // requeued by an earlier run
  add(3, start + 2s, 1, 1);
  CHECK(backlog.take_newest().received_at == start + 2s);
  CHECK(backlog.newest() == start + 1s);
  CHECK(backlog.take_newest().sequence == 1);
  CHECK(backlog.take_newest().received_at == start);
  CHECK(backlog.empty());
  CHECK(backlog.ids() == 0);
  CHECK(backlog.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the watermark and the queue are held until all is touched (S6)") {
  add(5, start, 1, 4);
  add(6, start + 1s, 11, 4);
  CHECK(backlog.hold() == start);
  CHECK(backlog.first() == 5);
  CHECK(touch(3) == std::vector<ObjectId>{11, 12, 13});  // half of the touches: the newest
  CHECK(touch(3).empty());                               // one transaction at a time
  backlog.end_touches();
  CHECK(touch(3) == std::vector<ObjectId>{1, 2, 3});  // … and half: the oldest
  backlog.end_touches();
  CHECK(backlog.hold() == start);
  CHECK(touch(3) == std::vector<ObjectId>{4, 14});
  CHECK(backlog.hold() == start);
  backlog.end_touches();
  CHECK(backlog.hold() == Timestamp::max());
  CHECK(backlog.first() == 5);
  CHECK(backlog.holds(6));
  CHECK_FALSE(backlog.holds(7));
}

TEST_CASE_FIXTURE(Fixture, "what is taken while its touch is under way is not held here any more") {
  add(5, start, 1, 3);
  CHECK(touch(10).size() == 3);
  CHECK_FALSE(backlog.take_newest().touched);
  CHECK_FALSE(backlog.take_newest().touched);
  CHECK(backlog.hold() == start);
  SUBCASE("all of it") {
    CHECK_FALSE(backlog.take_newest().touched);
    CHECK(backlog.hold() == Timestamp::max());
    CHECK(backlog.first() == ~Sequence{0});
    backlog.end_touches();
  }
  SUBCASE("a part") {
    backlog.end_touches();
    CHECK(backlog.hold() == Timestamp::max());
    CHECK(backlog.take_newest().touched);
  }
  CHECK(backlog.empty());
}

TEST_CASE_FIXTURE(Fixture, "of one id in several records the newest receipt is touched") {
  add(1, start, 7, 1);
  add(2, start + 1s, 7, 1);
  const auto touches = backlog.begin_touches(10);
  REQUIRE(touches.size() == 1);
  CHECK(touches[0].last_seen == start + 1s);
}

TEST_CASE_FIXTURE(Fixture, "what is too old is dropped, once it has been touched (S6)") {
  add(1, start, 1, 3);
  add(2, start + 5s, 11, 2);
  CHECK(backlog.drop(start + 5s) == 0);
  touch_all();
  CHECK(backlog.drop(start + 5s) == 3);
  CHECK(backlog.oldest() == start + 5s);
  CHECK(backlog.ids() == 2);
}

TEST_CASE_FIXTURE(Fixture, "records are requeued when they are in the way, oldest place first") {
  add(1, start, 1, 2);
  add(2, start + 1s, 11, 2);
  CHECK(backlog.take_for_requeue(2, {}, start).empty());  // untouched, so the queue is held anyway
  touch_all();
  CHECK(backlog.take_for_requeue(0, start, start + 1s).empty());
  CHECK(backlog.take_for_requeue(1, {}, start + 1s).ids == std::vector<ObjectId>{1, 2});
  CHECK(backlog.take_for_requeue(1, {}, start + 1s).empty());
  const auto aged = backlog.take_for_requeue(0, start + 2s, start + 3s);
  CHECK(aged.sequence == 2);
  CHECK(backlog.empty());
  SUBCASE("and may have to wait when the queue was full") {
    backlog.put_back(aged, Timestamp::max(), {}, start + 4s);
    CHECK(backlog.take_for_requeue(9, {}, start + 3s).empty());
    CHECK(backlog.take_for_requeue(9, {}, start + 4s).sequence == 2);
  }
  SUBCASE("and may have to be touched once more when they are back") {
    backlog.put_back(aged, start - 1s, start + 3s);
    CHECK(backlog.hold() == start - 1s);
    touch_all();
    CHECK(backlog.hold() == Timestamp::max());
    CHECK(backlog.take_newest().touched);
  }
}
