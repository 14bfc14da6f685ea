// Objects and dead letters are found as they were stored.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "conformance/store/changes.hpp"

namespace postoffice::testing {

TEST_CASE_TEMPLATE_DEFINE("dead letters are added, replaced, cleared and listed", Stores,
                          store_dead_letters) {
  Stores stores;
  auto store = stores.open();
  const DeadLetter first{-1, at(1), at(2), 3, "no answer"};
  const DeadLetter second{5, at(3), at(4), 7, "it said: 'no' \xC3\xA9\n\"quoted\" \\ {a,b}"};
  const DeadLetter third{9, at(5), at(6), 1, ""};
  apply(*store, {.dead_letters = {first, second, third}});
  CHECK(dead_letters(*store) == std::vector<DeadLetter>{first, second, third});
  CHECK(dead_letters(*store, {.limit = 2}) == std::vector<DeadLetter>{first, second});
  CHECK(dead_letters(*store, {.after = 5, .limit = 2}) == std::vector<DeadLetter>{third});
  CHECK(dead_letters(*store, {.limit = 0}).empty());

  const DeadLetter newer{5, at(8), at(9), 11, "timed out"};
  apply(*store, {.dead_letters = {newer}, .cleared = {-1, 4}});
  if constexpr (Stores::persistent) {
    store.reset();
    store = stores.open();
  }
  CHECK(dead_letters(*store) == std::vector<DeadLetter>{newer, third});
  CHECK(find(*store).empty());
}

TEST_CASE_TEMPLATE_DEFINE("dead letters are found by id, reason, time and page", Stores,
                          store_dead_letter_query) {
  using Ids = std::vector<ObjectId>;
  Stores stores;
  const auto store = stores.open();
  const std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  apply(*store, {.dead_letters = {{-5, at(1), at(10), 3, "HTTP 500"},
                                  {1, at(1), at(20), 3, "no answer in 10 s"},
                                  {2, at(1), at(30), 4, "HTTP 503 %_"},
                                  {3, at(1), at(40), 5, ""},
                                  {greatest, at(1), at(50), 6, "it's \xC3\xA9"}}});
  const auto ids_of = [&](const DeadLetterQuery& query) {
    Ids ids;
    for (const auto& letter : dead_letters(*store, query)) ids.push_back(letter.id);
    return ids;
  };
  CHECK(ids_of({.reason = "HTTP"}) == Ids{-5, 2});
  CHECK(ids_of({.reason = "http"}).empty());
  CHECK(ids_of({.reason = "%"}) == Ids{2});  // no pattern, just text
  CHECK(ids_of({.reason = "'s \xC3\xA9"}) == Ids{greatest});
  CHECK(ids_of({.failed_since = at(30)}) == Ids{2, 3, greatest});
  CHECK(ids_of({.ids = Ids{3, 7, -5, 3}}) == Ids{-5, 3});
  CHECK(ids_of({.ids = Ids{}}).empty());
  CHECK(ids_of({.ids = Ids{-5, 1, 2, greatest}, .after = -5, .limit = 2}) == Ids{1, 2});
  CHECK(ids_of({.ids = Ids{greatest}, .after = greatest}).empty());
  CHECK(ids_of({.ids = Ids{1, 2, 3}, .reason = "HTTP", .failed_since = at(20)}) == Ids{2});
  CHECK(ids_of({.reason = "HTTP", .after = -5}) == Ids{2});
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

TEST_CASE_TEMPLATE_DEFINE("rows are counted, all at once or in parts", Stores, store_count) {
  Stores stores;
  const auto store = stores.open();
  const auto count = [&](const CountQuery& query) {
    std::promise<std::pair<std::error_code, RowCount>> result;
    store->count(query, [&](std::error_code error, const RowCount& found) {
      result.set_value({error, found});
    });
    const auto [error, found] = result.get_future().get();
    REQUIRE_FALSE(error);
    return found;
  };
  CHECK(count({}).online == 0);
  CHECK_FALSE(count({}).last);
  CHECK(count({.dead_letters = true}).dead_letters == 0);
  constexpr auto greatest = std::numeric_limits<ObjectId>::max();
  apply(*store, {.answers = {{-5, true, at(10), at(11)},
                             {0, false, at(10), at(11)},
                             {3, true, at(10), at(11)},
                             {greatest, false, at(10), at(11)}},
                 .dead_letters = {{7, at(1), at(2), 3, "HTTP 500"}}});
  const auto all = count({});
  CHECK(all.online == 2);
  CHECK(all.offline == 2);
  CHECK(all.dead_letters == 0);
  CHECK_FALSE(all.last);
  CHECK(count({.limit = 3}).last == 3);
  CHECK(count({.limit = 3}).online == 2);
  CHECK(count({.after = 3, .limit = 3}).offline == 1);
  CHECK_FALSE(count({.after = 3, .limit = 3}).last);
  CHECK(count({.limit = 4}).last == greatest);
  CHECK(count({.after = greatest}).offline == 0);
  const auto letters = count({.dead_letters = true, .limit = 1});
  CHECK(letters.dead_letters == 1);
  CHECK(letters.online + letters.offline == 0);
  CHECK(letters.last == 7);
  CHECK(count({.dead_letters = true, .after = 7}).dead_letters == 0);
}

}  // namespace postoffice::testing
