// Which rows an expiry deletes, and what it reports about those that it left.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conformance/store/changes.hpp"

namespace postoffice::testing {

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

}  // namespace postoffice::testing
