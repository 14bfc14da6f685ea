#include "core/stuck_rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "core/dispatcher.hpp"
#include "postoffice/error.hpp"
#include "support/store_calls.hpp"

using namespace postoffice;
using namespace postoffice::core;
using postoffice::testing::at;

TEST_CASE("a row that is refused is tried again later and later, at most 5 s apart") {
  StuckRows rows;
  rows.refused({7, "23514", "no", false}, at(0));
  CHECK(rows.take_due(at(0.1), 10).empty());
  Timestamp now = at(0);
  for (int tries = 0; tries < 20; ++tries) {
    const Timestamp due = rows.next_wake_at();
    CHECK(due <= now + std::chrono::seconds(5));
    now = due;
    REQUIRE(rows.take_due(now, 10) == std::vector<ObjectId>{7});
    CHECK(rows.next_wake_at() == Timestamp::max());
    CHECK(rows.take_due(now + std::chrono::minutes(1), 10).empty());  // under way
    rows.refused({7, "23514", "no", false}, now);
  }
  CHECK(rows.find(7)->attempts == 21);
  CHECK(rows.oldest() == at(0));
}

TEST_CASE("one that is locked is tried again each second") {
  StuckRows rows;
  double now = 0;
  for (int tries = 0; tries < 20; ++tries) {
    rows.refused({7, "55P03", "locked", true}, at(now));
    now += 1;
    REQUIRE(rows.take_due(at(now), 10).size() == 1);
  }
  rows.erase(7);
  CHECK(rows.empty());
  CHECK(rows.next_wake_at() == Timestamp::max());
  CHECK_FALSE(rows.under_way());
}

TEST_CASE("many rows are tried in parts, by rising id, and more rarely") {
  StuckRows rows;
  for (ObjectId id = 5'000; id > 0; --id) rows.refused({id, "x", "y", false}, at(0));
  const auto first = rows.take_due(at(60), 1'000);
  REQUIRE(first.size() == 1'000);
  CHECK(first.front() == 1);
  CHECK(first.back() == 1'000);
  for (const ObjectId id : first) rows.postpone(id, at(60));
  CHECK(rows.take_due(at(60), 1'000).front() == 1'001);
  std::vector<StuckRow> named;
  rows.name_some(named, 3, true);
  REQUIRE(named.size() == 3);
  CHECK(named[0].deleting);
}

namespace {

/// A dispatcher whose store is asked by hand.
struct Asked {
  explicit Asked(const PipelineOptions& options = {}) : dispatcher(options, 42) {}

  Dispatcher dispatcher;
  Timestamp now{std::chrono::hours(1)};
  std::deque<ApplyOrder> applies;

  void act() {
    Actions& actions = dispatcher.act(now, now);
    for (auto& apply : actions.applies) applies.push_back(std::move(apply));
    fetches = std::move(actions.fetches);
  }
  void deliver(const std::vector<ObjectId>& ids) {
    Delivery delivery;
    delivery.ids = ids;
    delivery.entries.push_back({++sequence, now, 0, static_cast<std::uint32_t>(ids.size()), false});
    dispatcher.delivered(delivery, now);
    act();
  }
  void receive(const std::vector<ObjectId>& ids) {
    deliver(ids);
    for (const auto& [token, id] : std::exchange(fetches, {})) {
      dispatcher.fetched(token, {{}, id, true, {}, {}}, now);
    }
    act();
  }
  void advance(Duration span) {
    now += span;
    act();
  }
  Changes end_apply(std::error_code error, const Applied& applied = {}) {
    REQUIRE_FALSE(applies.empty());
    const ApplyOrder order = std::move(applies.front());
    applies.pop_front();
    dispatcher.applied(order.token, error, applied, now);
    act();
    return order.changes;
  }

  std::vector<FetchOrder> fetches;
  Sequence sequence = 0;
};

const Applied refusing_2{{}, {}, {{2, "23514", "no", false}}};

}  // namespace

TEST_CASE("after a refusal the same goes at once, row by row, and the row at fault stays alone") {
  Asked asked;
  asked.receive({1, 2, 3});
  CHECK_FALSE(asked.end_apply(Error::rejected).each);
  const Changes again = asked.end_apply({}, refusing_2);
  CHECK(again.each);
  CHECK(again.answers.size() == 3);
  CHECK(asked.dispatcher.counters().stored == 2);
  CHECK(asked.dispatcher.counters().pending == 1);
  CHECK(asked.dispatcher.store().up());
  CHECK(asked.dispatcher.store().stuck().size() == 1);
  CHECK(asked.applies.empty());

  // Its next receipt is held, beside the touches of others.
  asked.now += std::chrono::milliseconds(150);
  asked.receive({1, 2});
  asked.advance(std::chrono::milliseconds(150));
  bool held = false;
  while (!asked.applies.empty()) {
    const Changes changes = asked.end_apply({});
    for (const Touch& touch : changes.held) held = held || touch.id == 2;
  }
  CHECK(held);
}

TEST_CASE("where a row cannot be written for another reason, that is told in the store's words") {
  Asked asked;
  asked.receive({2});
  asked.end_apply(Error::rejected);
  const Changes changes = asked.end_apply({}, refusing_2);
  REQUIRE(changes.each);
  const auto try_again = [&](const Applied& applied) {
    while (asked.applies.empty() || asked.applies.front().changes.answers.empty()) {
      if (!asked.applies.empty()) asked.end_apply({});
      asked.advance(std::chrono::milliseconds(100));
    }
    asked.end_apply(Error::storage_full, applied);
    std::vector<StuckRow> named;
    asked.dispatcher.store().stuck().name_some(named, 2, false);
    REQUIRE(named.size() == 1);
    return named[0].code + " " + named[0].reason;
  };
  CHECK(try_again({.missing = {}, .late = {}, .failure = {"53100", "could not extend file"}}) ==
        "53100 could not extend file");
  // A store that has no words for it.
  CHECK(try_again({}) == "postoffice " + make_error_code(Error::storage_full).message());
}

TEST_CASE("an answer that is refused for a ttl becomes a dead letter with the store's words") {
  Asked asked;
  asked.receive({1, 2, 3});
  asked.end_apply(Error::rejected);
  asked.end_apply({}, refusing_2);
  std::vector<DeadLetter> letters;
  for (int step = 0; step < 400 && letters.empty(); ++step) {
    asked.advance(std::chrono::milliseconds(100));
    while (!asked.applies.empty()) {
      const bool letter = !asked.applies.front().changes.dead_letters.empty();
      const Changes changes = asked.end_apply({}, letter ? Applied{} : refusing_2);
      if (letter) letters = changes.dead_letters;
    }
  }
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == 2);
  CHECK(letters[0].attempts >= 3);
  CHECK(letters[0].reason.find("23514 no") != std::string::npos);
  CHECK(asked.dispatcher.counters().dead == 1);
  CHECK(asked.dispatcher.store().stuck().empty());
}

TEST_CASE("what took too long goes again in smaller parts") {
  Asked asked;
  std::vector<ObjectId> ids(1'000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i);
  asked.receive(ids);
  std::size_t largest = 0;
  for (int tries = 0; tries < 6; ++tries) {
    while (asked.applies.empty()) asked.advance(std::chrono::milliseconds(100));
    const Changes changes = asked.end_apply(Error::timed_out);
    largest = std::max(changes.answers.size(), changes.touches.size());
  }
  CHECK(largest <= 64);
}

TEST_CASE("a row that refuses a receipt from the backlog is tried again, too") {
  PipelineOptions options;
  options.pending_ids_max = 1;
  Asked asked(options);
  asked.deliver({1});  // is being fetched, so there is no room
  asked.deliver({2, 3});
  const Timestamp receipt = asked.now;
  std::vector<Touch> again;
  int refused = 0;
  for (int step = 0; step < 20 && again.empty(); ++step) {
    while (!asked.applies.empty()) {
      const auto& touches = asked.applies.front().changes.touches;
      const bool has_2 = std::any_of(touches.begin(), touches.end(),
                                     [](const Touch& touch) { return touch.id == 2; });
      if (has_2 && refused == 1) again = touches;
      const bool refuse = has_2 && refused++ == 0;
      asked.end_apply({}, refuse ? refusing_2 : Applied{});
      if (refuse) CHECK(asked.dispatcher.store().stuck().size() == 1);
    }
    asked.advance(std::chrono::milliseconds(50));
  }
  REQUIRE(again.size() == 1);
  CHECK(again[0].last_seen == receipt);
  CHECK(asked.dispatcher.store().stuck().empty());
  CHECK(asked.dispatcher.waiting_ids() == 2);
}
