// A row that the database does not take leaves the others alone.
#pragma once

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "conformance/store/changes.hpp"
#include "conformance/store_model.hpp"
#include "postoffice/error.hpp"

namespace postoffice::testing {

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

}  // namespace postoffice::testing
