// What every ObjectStore must do. A test program names its stores in a class and calls
// POSTOFFICE_STORE_CONFORMANCE(TheStores):
//
//   struct TheStores {
//     static constexpr bool persistent = true;  // open() opens the same data again
//     std::unique_ptr<ReadableObjectStore> open();
//     void refuse(ObjectId id);  // from now on the row is neither written nor deleted
//     void allow(ObjectId id);   // … it is again
//   };
//
// Each test makes its own TheStores, which starts out empty.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "conformance/store_model.hpp"
#include "postoffice/error.hpp"
#include "postoffice/object_store.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {

inline Changes touching(std::vector<Touch> touches) { return {.touches = std::move(touches)}; }

inline Changes answering(std::vector<Object> answers, Timestamp cutoff = {}) {
  return {.answers = std::move(answers), .cutoff = cutoff};
}

inline Changes removing(std::vector<Object> removals) { return {.removals = std::move(removals)}; }

TEST_CASE_TEMPLATE_DEFINE("an answer creates a row, a touch only updates one", Stores,
                          store_touches) {
  Stores stores;
  const auto store = stores.open();
  const auto first = apply(*store, touching({{1, at(10)}, {2, at(10)}}));
  CHECK(first.missing == std::vector<ObjectId>{1, 2});
  CHECK(find(*store).empty());

  CHECK(apply(*store, answering({{2, true, at(10), at(11)}})).late.empty());
  const auto second = apply(*store, touching({{1, at(20)}, {2, at(20)}, {3, at(20)}}));
  CHECK(second.missing == std::vector<ObjectId>{1, 3});
  CHECK(find(*store) == std::vector<Object>{{2, true, at(20), at(11)}});
}

TEST_CASE_TEMPLATE_DEFINE("last_seen never decreases (S4)", Stores, store_last_seen) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(20), at(21)}}));
  apply(*store, touching({{1, at(10)}}));
  CHECK(find_one(*store, 1) == Object{1, true, at(20), at(21)});
  apply(*store, answering({{1, false, at(15), at(22)}}));
  CHECK(find_one(*store, 1) == Object{1, false, at(20), at(22)});
  apply(*store, answering({{1, true, at(30), at(5)}}));
  CHECK(find_one(*store, 1) == Object{1, false, at(30), at(22)});
}

TEST_CASE_TEMPLATE_DEFINE("the newest fetch wins in any order (S5)", Stores, store_newest) {
  std::array<int, 3> order{0, 1, 2};
  Stores stores;
  const auto store = stores.open();
  ObjectId id = 0;
  do {
    ++id;
    for (const int index : order) {
      const bool online = index == 1;
      const Object answer{id, online, at(100 - index), at(200 + index)};
      apply(*store, answering({answer}));
    }
    CHECK(find_one(*store, id) == Object{id, false, at(100), at(202)});
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE_TEMPLATE_DEFINE("of two answers of one fetch the first stays", Stores, store_equal) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}}));
  apply(*store, answering({{1, false, at(12), at(11)}}));
  CHECK(find_one(*store, 1) == Object{1, true, at(12), at(11)});
}

TEST_CASE_TEMPLATE_DEFINE("a removal deletes the row unless a newer fetch gave it (S5)", Stores,
                          store_removal) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}, {2, true, at(10), at(11)}}));
  apply(*store, answering({{3, true, at(10), at(11)}}));
  apply(*store, removing({{1, false, at(10), at(12)},
                          {2, false, at(15), at(10)},
                          {3, false, at(10), at(11)},
                          {4, false, at(10), at(11)}}));
  CHECK(find(*store) == std::vector<Object>{{2, true, at(15), at(11)}});
}

TEST_CASE_TEMPLATE_DEFINE("an older answer does not bring a removed row back (S5)", Stores,
                          store_removed_stays) {
  Stores stores;
  auto store = stores.open();
  apply(*store, removing({{1, false, at(10), at(12)}}));
  if constexpr (Stores::persistent) {
    store.reset();
    store = stores.open();
  }
  const auto older = apply(*store, answering({{1, true, at(20), at(11)}}));
  CHECK(older.late.empty());
  apply(*store, answering({{1, true, at(20), at(12)}}));
  CHECK(apply(*store, touching({{1, at(30)}})).missing == std::vector<ObjectId>{1});
  CHECK_FALSE(find_one(*store, 1));

  apply(*store, answering({{1, true, at(20), at(13)}}));
  CHECK(find_one(*store, 1) == Object{1, true, at(20), at(13)});
}

TEST_CASE_TEMPLATE_DEFINE("answers and a removal end the same in any order (S5)", Stores,
                          store_removal_order) {
  Stores stores;
  const auto store = stores.open();
  ObjectId id = 0;
  for (const int removed : {0, 1, 2}) {
    std::array<int, 3> order{0, 1, 2};
    do {
      ++id;
      for (const int index : order) {
        const Object answer{id, index != removed, at(100), at(200 + index)};
        apply(*store, index == removed ? removing({answer}) : answering({answer}));
      }
      CAPTURE(id);
      const auto row = find_one(*store, id);
      if (removed == 2) CHECK_FALSE(row);
      if (removed != 2) CHECK(row == Object{id, true, at(100), at(202)});
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE_TEMPLATE_DEFINE("expiry deletes only rows that are old enough (S6)", Stores,
                          store_expiry) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)},
                           {2, true, at(20), at(11)},
                           {3, true, at(30), at(11)},
                           {4, true, at(10), at(11)}}));
  CHECK(expire(*store, {.cutoff = at(20), .ids = {1, 2, 3, 9}}) == 1);
  CHECK(find(*store).size() == 3);
  CHECK(expire(*store, {.cutoff = at(20), .ids = {}}) == 0);
  CHECK(expire(*store, {.cutoff = at(30), .ids = {}, .scan = true}) == 2);
  CHECK(find(*store) == std::vector<Object>{{3, true, at(30), at(11)}});
}

TEST_CASE_TEMPLATE_DEFINE("a scan tells the oldest row that it left (S6)", Stores,
                          store_oldest_left) {
  Stores stores;
  const auto store = stores.open();
  const auto oldest_left = [&](double cutoff) {
    const Expiry expiry{.cutoff = at(cutoff), .ids = {}, .scan = true, .tell_oldest = true};
    return without_error(try_expire(*store, expiry)).oldest_left;
  };
  CHECK(oldest_left(5) == Timestamp::max());
  apply(*store, answering({{1, true, at(30), at(31)},
                           {2, false, at(20.000001), at(31)},
                           {3, true, at(10), at(31)},
                           {4, true, at(40), at(31)}}));
  CHECK(oldest_left(9) == at(10));
  CHECK(oldest_left(20) == at(20.000001));
  apply(*store, touching({{2, at(50)}}));
  CHECK(oldest_left(20) == at(30));
  CHECK(oldest_left(60) == Timestamp::max());
}

TEST_CASE_TEMPLATE_DEFINE("a touched row survives an expiry that names it (S6)", Stores,
                          store_expiry_rechecks) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}}));
  apply(*store, touching({{1, at(25)}}));
  CHECK(expire(*store, {.cutoff = at(20), .ids = {1}}) == 0);
  CHECK(expire(*store, {.cutoff = at(20), .ids = {}, .scan = true}) == 0);
  CHECK(find_one(*store, 1));
}

TEST_CASE_TEMPLATE_DEFINE("a late answer creates no row and is reported (S6)", Stores, store_late) {
  Stores stores;
  auto store = stores.open();
  const auto by_caller =
      apply(*store, answering({{1, true, at(10), at(40)}, {2, true, at(20), at(40)}}, at(20)));
  CHECK(by_caller.late == std::vector<ObjectId>{1});
  CHECK(find(*store) == std::vector<Object>{{2, true, at(20), at(40)}});

  expire(*store, {.cutoff = at(30), .ids = {2}});
  expire(*store, {.cutoff = at(25), .ids = {}});
  if constexpr (Stores::persistent) {
    store.reset();
    store = stores.open();
  }
  const auto remembered =
      apply(*store, answering({{1, true, at(29), at(40)}, {2, true, at(30), at(40)}}));
  CHECK(remembered.late == std::vector<ObjectId>{1});
  CHECK(find(*store) == std::vector<Object>{{2, true, at(30), at(40)}});
}

TEST_CASE_TEMPLATE_DEFINE("a late answer still updates a row that is there", Stores,
                          store_late_update) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(30), at(11)}}));
  const auto applied = apply(*store, answering({{1, false, at(10), at(12)}}, at(20)));
  CHECK(applied.late.empty());
  CHECK(find_one(*store, 1) == Object{1, false, at(30), at(12)});
}

TEST_CASE_TEMPLATE_DEFINE("dead letters are added, replaced, cleared and listed", Stores,
                          store_dead_letters) {
  Stores stores;
  auto store = stores.open();
  const DeadLetter first{-1, at(1), at(2), 3, "no answer"};
  const DeadLetter second{5, at(3), at(4), 7, "it said: 'no' \xC3\xA9\n\"quoted\" \\ {a,b}"};
  const DeadLetter third{9, at(5), at(6), 1, ""};
  apply(*store, {.dead_letters = {first, second, third}});
  CHECK(dead_letters(*store) == std::vector<DeadLetter>{first, second, third});
  CHECK(dead_letters(*store, {}, 2) == std::vector<DeadLetter>{first, second});
  CHECK(dead_letters(*store, 5, 2) == std::vector<DeadLetter>{third});
  CHECK(dead_letters(*store, {}, 0).empty());

  const DeadLetter newer{5, at(8), at(9), 11, "timed out"};
  apply(*store, {.dead_letters = {newer}, .cleared = {-1, 4}});
  if constexpr (Stores::persistent) {
    store.reset();
    store = stores.open();
  }
  CHECK(dead_letters(*store) == std::vector<DeadLetter>{newer, third});
  CHECK(find(*store).empty());
}

TEST_CASE_TEMPLATE_DEFINE("a reason that is not valid text is stored all the same", Stores,
                          store_bad_text) {
  Stores stores;
  const auto store = stores.open();
  const std::string reason("nul \0 and \xFF\xC3( bytes", 19);
  apply(*store, {.dead_letters = {{1, at(1), at(2), 3, reason}}});
  const auto found = dead_letters(*store);
  REQUIRE(found.size() == 1);
  CHECK(found.front().reason.substr(0, 4) == "nul ");
}

TEST_CASE_TEMPLATE_DEFINE("objects are found by id, status and page", Stores, store_find) {
  Stores stores;
  const auto store = stores.open();
  Changes changes;
  for (ObjectId id = 1; id <= 250; ++id) {
    changes.answers.push_back({id, id % 2 == 0, at(10), at(11)});
  }
  apply(*store, changes);
  CHECK(find(*store, {.id = 7}).size() == 1);
  CHECK(find(*store, {.id = 7, .online = true}).empty());
  CHECK(find(*store, {.id = 7, .after = 7}).empty());
  CHECK(find(*store).size() == 100);
  CHECK(find(*store, {.limit = 0}).empty());

  std::vector<ObjectId> seen;
  std::optional<ObjectId> after;
  for (;;) {
    const auto page = find(*store, {.online = true, .after = after, .limit = 40});
    for (const Object& object : page) seen.push_back(object.id);
    if (page.size() < 40) break;
    after = page.back().id;
  }
  REQUIRE(seen.size() == 125);
  for (std::size_t index = 0; index < seen.size(); ++index) {
    CHECK(seen[index] == static_cast<ObjectId>(2 * (index + 1)));
  }
}

TEST_CASE_TEMPLATE_DEFINE("every int64 is an id", Stores, store_extreme_ids) {
  using Limits = std::numeric_limits<ObjectId>;
  Stores stores;
  const auto store = stores.open();
  std::vector<Object> rows;
  for (const ObjectId id : {Limits::min(), ObjectId{-1}, ObjectId{0}, ObjectId{1}, Limits::max()}) {
    rows.push_back({id, true, at(10), at(11)});
  }
  apply(*store, answering(rows));
  CHECK(find(*store) == rows);
  CHECK(find(*store, {.after = Limits::min()}).size() == 4);
  CHECK(find(*store, {.after = Limits::max()}).empty());
  const auto ids = std::vector<ObjectId>{Limits::min(), 0, Limits::max()};
  CHECK(expire(*store, {.cutoff = at(20), .ids = ids}) == 3);
}

TEST_CASE_TEMPLATE_DEFINE("times keep their microseconds, before 1970 too", Stores, store_times) {
  Stores stores;
  const auto store = stores.open();
  const std::vector<Object> rows{{1, true, Timestamp(Duration(-1)), Timestamp(Duration(0))},
                                 {2, false, Timestamp(Duration(946'684'799'999'999)), at(1e-6)},
                                 {3, false, at(4e9), at(0.123456)}};
  Changes changes = answering(rows, Timestamp(std::chrono::hours(-24)));
  apply(*store, changes);
  CHECK(find(*store) == rows);
}

TEST_CASE_TEMPLATE_DEFINE("a row that is refused is named and leaves the others alone", Stores,
                          store_refused) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}, {2, true, at(10), at(11)}}));
  apply(*store, {.dead_letters = {{2, at(1), at(2), 3, "x"}, {3, at(1), at(2), 3, "x"}}});
  stores.refuse(2);
  stores.refuse(4);
  Changes changes{.touches = {{1, at(25)}, {9, at(25)}},
                  .answers = {{2, false, at(25), at(26)},
                              {3, true, at(25), at(26)},
                              {4, true, at(25), at(26)},
                              {5, true, at(1), at(26)}},
                  .dead_letters = {{6, at(1), at(2), 3, "x"}},
                  .cleared = {2, 3},
                  .cutoff = at(2)};
  const auto together = try_apply(*store, changes);
  if (together.error) CHECK(together.error == Error::rejected);
  changes.each = true;
  const Applied applied = apply(*store, changes);
  REQUIRE(applied.refused.size() == 2);
  CHECK(applied.refused[0].id == 2);
  CHECK(applied.refused[0].reason.find("never") != std::string::npos);
  CHECK_FALSE(applied.refused[0].code.empty());
  CHECK(applied.refused[1].id == 4);
  CHECK(applied.missing == std::vector<ObjectId>{9});
  CHECK(applied.late == std::vector<ObjectId>{5});
  CHECK(find(*store) == std::vector<Object>{{1, true, at(25), at(11)},
                                            {2, true, at(10), at(11)},
                                            {3, true, at(25), at(26)}});
  CHECK(dead_letters(*store).size() == 2);  // of 2 and 6

  stores.allow(2);
  stores.allow(4);
  CHECK(apply(*store, changes).refused.empty());
  CHECK(find_one(*store, 2) == Object{2, false, at(25), at(26)});
  CHECK(find_one(*store, 4) == Object{4, true, at(25), at(26)});
}

TEST_CASE_TEMPLATE_DEFINE("a removal that is refused leaves the row", Stores, store_kept) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}, {2, true, at(10), at(11)}}));
  stores.refuse(2);
  Changes changes = removing({{1, false, at(20), at(21)}, {2, false, at(20), at(21)}});
  changes.each = true;
  CHECK(apply(*store, changes).refused.size() == 1);
  CHECK(find(*store) == std::vector<Object>{{2, true, at(10), at(11)}});
  stores.allow(2);
  CHECK(apply(*store, changes).refused.empty());
  CHECK(find(*store).empty());
}

TEST_CASE_TEMPLATE_DEFINE("no row is deleted before a receipt that is held (S6)", Stores,
                          store_held) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(10), at(11)}, {2, true, at(10), at(11)}}));
  stores.refuse(1);
  Changes touch = touching({{1, at(25)}});
  touch.each = true;
  CHECK(apply(*store, touch).refused.size() == 1);
  apply(*store, {.held = {{2, at(30)}}});
  apply(*store, {.held = {{2, at(5)}}});
  stores.allow(1);
  CHECK(expire(*store, {.cutoff = at(20), .ids = {1, 2}}) == 0);
  const Expiry scan{.cutoff = at(25), .ids = {}, .scan = true, .tell_oldest = true};
  const auto scanned = without_error(try_expire(*store, scan));
  CHECK(scanned.deleted == 0);
  CHECK(scanned.oldest_left == at(25));
  CHECK(expire(*store, {.cutoff = at(25.1), .ids = {1, 2}}) == 1);
  CHECK(expire(*store, {.cutoff = at(31), .ids = {}, .scan = true}) == 1);
}

TEST_CASE_TEMPLATE_DEFINE("what cannot be deleted is named and does not stop the rest", Stores,
                          store_undeletable) {
  for (const bool scan : {false, true}) {
    Stores stores;
    const auto store = stores.open();
    apply(*store, answering({{1, true, at(10), at(11)},
                             {2, true, at(10), at(11)},
                             {3, true, at(10), at(11)},
                             {4, true, at(30), at(11)}}));
    stores.refuse(2);
    const Expiry expiry{.cutoff = at(20), .ids = {1, 2, 3, 4}, .scan = scan};
    const auto first = without_error(try_expire(*store, expiry));
    CHECK(first.deleted == 2);
    REQUIRE(first.refused.size() == 1);
    CHECK(first.refused[0].id == 2);
    CHECK(first.refused[0].reason.find("never") != std::string::npos);
    stores.allow(2);
    const auto second = without_error(try_expire(*store, expiry));
    CHECK(second.deleted == 1);
    CHECK(second.refused.empty());
    CHECK(find(*store).size() == 1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("row by row all is as together", Stores, store_each) {
  const unsigned seed = std::random_device{}();
  INFO("seed ", seed);
  Stores stores;
  const auto store = stores.open();
  StoreModel model;
  HistoryMaker maker(seed);
  for (int round = 0; round < 60; ++round) {
    Changes changes = maker.changes();
    changes.each = true;
    const auto expected = model.apply(changes);
    const auto found = apply(*store, changes);
    CHECK(found.missing == expected.missing);
    CHECK(found.late == expected.late);
    CHECK(found.refused.empty());
    CHECK(find(*store) == model.objects());
    CHECK(dead_letters(*store) == model.dead_letters());
    if (round % 5 == 4) {
      const Expiry expiry = maker.expiry();
      model.expire(expiry);
      expire(*store, expiry);
    }
  }
}

TEST_CASE_TEMPLATE_DEFINE("applying the same changes twice is applying them once", Stores,
                          store_idempotent) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(1), at(2)}, {2, true, at(1), at(2)}}));
  const Changes changes{.touches = {{1, at(5)}, {7, at(5)}},
                        .answers = {{3, true, at(5), at(6)}, {4, true, at(1), at(6)}},
                        .removals = {{2, false, at(5), at(6)}},
                        .dead_letters = {{8, at(5), at(6), 3, "x"}},
                        .cleared = {9},
                        .cutoff = at(3)};
  const auto once = apply(*store, changes);
  const auto rows = find(*store);
  const auto twice = apply(*store, changes);
  CHECK(once.missing == twice.missing);
  CHECK(once.late == twice.late);
  CHECK(find(*store) == rows);
  CHECK(dead_letters(*store).size() == 1);
}

TEST_CASE_TEMPLATE_DEFINE("apply calls take effect in the order they are made", Stores,
                          store_order) {
  Stores stores;
  const auto store = stores.open();
  std::vector<std::future<Outcome<Applied>>> calls;
  for (int round = 0; round < 200; ++round) {
    const DeadLetter letter{1, at(round), at(round), round, "round"};
    calls.push_back(begin_apply(*store, {.dead_letters = {letter}}));
    calls.push_back(begin_apply(*store, {.cleared = {1}}));
  }
  calls.push_back(begin_apply(*store, {.dead_letters = {{1, at(1), at(1), 777, "last"}}}));
  for (auto& call : calls) without_error(finish_call(call));
  const auto found = dead_letters(*store);
  REQUIRE(found.size() == 1);
  CHECK(found.front().attempts == 777);
}

TEST_CASE_TEMPLATE_DEFINE("empty changes succeed", Stores, store_empty) {
  Stores stores;
  const auto store = stores.open();
  const auto applied = apply(*store, {});
  CHECK(applied.missing.empty());
  CHECK(applied.late.empty());
}

TEST_CASE_TEMPLATE_DEFINE("a batch of 20,000 rows is one transaction like any other", Stores,
                          store_big) {
  Stores stores;
  const auto store = stores.open();
  Changes changes;
  Changes touches;
  for (ObjectId id = 0; id < 20'000; ++id) {
    changes.answers.push_back({id, true, at(10), at(11)});
    touches.touches.push_back({id * 2, at(12)});
  }
  apply(*store, changes);
  CHECK(apply(*store, touches).missing.size() == 10'000);
  CHECK(find_one(*store, 19'998) == Object{19'998, true, at(12), at(11)});
  CHECK(expire(*store, {.cutoff = at(20), .ids = {}, .scan = true}) == 20'000);
}

TEST_CASE_TEMPLATE_DEFINE("random histories end as the model says", Stores, store_random) {
  const unsigned seed = std::random_device{}();
  INFO("seed ", seed);
  Stores stores;
  auto store = stores.open();
  StoreModel model;
  HistoryMaker make(seed);
  for (int step = 0; step < 150; ++step) {
    CAPTURE(step);
    if (make.below(5) == 0) {
      const Expiry expiry = make.expiry();
      const Expired real = without_error(try_expire(*store, expiry));
      const Expired expected = model.expire(expiry);
      CHECK(real.deleted == expected.deleted);
      if (expiry.scan && expiry.tell_oldest) CHECK(real.oldest_left == expected.oldest_left);
    } else {
      const Changes changes = make.changes();
      const int times = make.below(4) == 0 ? 2 : 1;
      for (int time = 0; time < times; ++time) {
        const auto real = apply(*store, changes);
        const auto expected = model.apply(changes);
        CHECK(real.missing == expected.missing);
        CHECK(real.late == expected.late);
      }
    }
    if (Stores::persistent && make.below(40) == 0) {
      store.reset();
      store = stores.open();
    }
    REQUIRE(find(*store) == model.objects());
    REQUIRE(dead_letters(*store) == model.dead_letters());
  }
}

TEST_CASE_TEMPLATE_DEFINE("four writers with the same ids lose nothing", Stores, store_writers) {
  if constexpr (Stores::persistent) {
    constexpr int writers = 4;
    constexpr int rounds = 25;
    constexpr int ids = 300;
    Stores stores;
    std::vector<std::unique_ptr<ReadableObjectStore>> opened;
    for (int writer = 0; writer < writers; ++writer) opened.push_back(stores.open());
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer) {
      threads.emplace_back([&, writer] {
        for (int round = 0; round < rounds; ++round) {
          const int time = round * writers + writer;
          Changes changes;
          for (ObjectId id = 0; id < ids; ++id) {
            if ((id + time) % 3 == 0) changes.touches.push_back({id, at(time)});
            if ((id + time) % 3 == 1)
              changes.answers.push_back({id, time % 2 == 0, at(time), at(time)});
          }
          apply_until_done(*opened[writer], changes);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (ObjectId id = 0; id < ids; ++id) {
      CAPTURE(id);
      int newest = writers * rounds - 1;
      while ((id + newest) % 3 != 1) --newest;
      const auto row = find_one(*opened[0], id);
      REQUIRE(row);
      CHECK(row->fetched_at == at(newest));
      CHECK(row->online == (newest % 2 == 0));
    }
  }
}

}  // namespace postoffice::testing

#define POSTOFFICE_STORE_CONFORMANCE(Stores)                \
  TEST_CASE_TEMPLATE_INVOKE(store_touches, Stores);         \
  TEST_CASE_TEMPLATE_INVOKE(store_last_seen, Stores);       \
  TEST_CASE_TEMPLATE_INVOKE(store_newest, Stores);          \
  TEST_CASE_TEMPLATE_INVOKE(store_equal, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_removal, Stores);         \
  TEST_CASE_TEMPLATE_INVOKE(store_removed_stays, Stores);   \
  TEST_CASE_TEMPLATE_INVOKE(store_removal_order, Stores);   \
  TEST_CASE_TEMPLATE_INVOKE(store_expiry, Stores);          \
  TEST_CASE_TEMPLATE_INVOKE(store_oldest_left, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_expiry_rechecks, Stores); \
  TEST_CASE_TEMPLATE_INVOKE(store_late, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_late_update, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_dead_letters, Stores);    \
  TEST_CASE_TEMPLATE_INVOKE(store_bad_text, Stores);        \
  TEST_CASE_TEMPLATE_INVOKE(store_find, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_extreme_ids, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_times, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_refused, Stores);         \
  TEST_CASE_TEMPLATE_INVOKE(store_kept, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_held, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_undeletable, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_each, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_idempotent, Stores);      \
  TEST_CASE_TEMPLATE_INVOKE(store_order, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_empty, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_big, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_random, Stores);          \
  TEST_CASE_TEMPLATE_INVOKE(store_writers, Stores)
