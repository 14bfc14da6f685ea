// The effect of touches, answers and removals on rows.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "conformance/store/changes.hpp"

namespace postoffice::testing {

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

}  // namespace postoffice::testing
