// What is measured on the way: durations, retries, and how long the oldest has been waiting.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/dispatcher_by_hand.hpp"

using namespace postoffice;
using namespace postoffice::core;

namespace {

struct Figures : DispatcherByHand {
  using DispatcherByHand::DispatcherByHand;

  Histogram ended(FetchEnd end) const {
    return counters().durations.fetches[static_cast<std::size_t>(end)].snapshot();
  }
  std::uint64_t retries(FetchEnd end) const {
    return counters().retries[static_cast<std::size_t>(end)];
  }
  Histogram transactions() const { return counters().durations.transactions.snapshot(); }
  Histogram to_row() const { return counters().durations.receipt_to_row.snapshot(); }

  /// How long the oldest has been waiting, in whole seconds; -1: none waits. It may seem a quarter
  /// of a second younger than it is.
  static int seconds(Timestamp since, Timestamp now) {
    if (since == Timestamp::max()) return -1;
    return static_cast<int>(std::chrono::round<std::chrono::seconds>(now - since).count());
  }
  int fetch() { return seconds(dispatcher.oldest_by_cause().fetch, now); }
  int backoff() { return seconds(dispatcher.oldest_by_cause().backoff, now); }
  int store() { return seconds(dispatcher.oldest_by_cause().store, now); }
  int touch() { return seconds(dispatcher.oldest_by_cause().touch, now); }
  void commit_all() {
    while (!applies.empty()) commit();
  }
};

/// The bucket that the only duration is in.
double bucket(const Histogram& histogram) {
  REQUIRE(histogram.count == 1);
  const auto one = std::find(histogram.counts.begin(), histogram.counts.end(), 1u);
  const auto place = static_cast<std::size_t>(one - histogram.counts.begin());
  return place < histogram.bounds.size() ? histogram.bounds[place] : 1e9;
}

}  // namespace

TEST_CASE("one id on its way: each duration is counted once, each wait has its cause") {
  Figures world;
  world.receive({7});
  CHECK(world.fetch() == 0);
  CHECK(world.touch() == 0);
  world.advance(100ms);
  world.commit_all();  // the touch
  CHECK(world.touch() == -1);
  world.advance(2'300ms);
  world.commit_all();  // the touch of an id without a row
  CHECK(world.fetch() == 2);
  CHECK(world.store() == -1);
  const auto before = world.transactions();
  world.answer(world.next_fetch());
  CHECK(bucket(world.ended(FetchEnd::answered)) == 3);
  CHECK(world.ended(FetchEnd::answered).sum == doctest::Approx(2.4));
  CHECK(world.fetch() == -1);
  CHECK(world.store() == 0);  // the time that the source took does not count
  world.advance(1'100ms);
  CHECK(world.store() == 1);
  CHECK(world.to_row().count == 0);
  world.commit();
  CHECK(world.store() == -1);
  CHECK(bucket(world.to_row()) == 4);
  CHECK(world.to_row().sum == doctest::Approx(3.5));
  CHECK(world.transactions().count == before.count + 1);
  CHECK(world.transactions().sum == doctest::Approx(before.sum + 1.1));
}

TEST_CASE("fetches that fail are counted by what became of them, and so are their retries") {
  Figures world;
  const auto fail = [&](Error error) {
    while (world.fetches.empty()) world.store_for(100ms);
    world.fail(world.next_fetch(), error);
  };
  world.receive({7});
  world.advance(1s);
  fail(Error::timed_out);
  CHECK(bucket(world.ended(FetchEnd::timeout)) == 1);
  CHECK(world.fetch() == -1);
  CHECK(world.backoff() == 1);
  fail(Error::unavailable);
  fail(Error::refused);
  fail(Error::overloaded);
  fail(Error::bad_answer);
  CHECK(world.ended(FetchEnd::unreachable).count == 1);
  CHECK(world.ended(FetchEnd::refused).count == 3);
  CHECK(world.retries(FetchEnd::timeout) == 1);
  CHECK(world.retries(FetchEnd::unreachable) == 1);
  CHECK(world.retries(FetchEnd::refused) == 3);
  CHECK(world.ended(FetchEnd::answered).count == 0);
  while (world.fetches.empty()) world.store_for(100ms);
  const auto received = world.fetch();
  CHECK(received >= 1);  // since the receipt, not since the newest try
  world.dispatcher.fetched(world.next_fetch().token, {Error::not_found, 0, false, {}, {}},
                           world.now);
  world.act();
  CHECK(world.ended(FetchEnd::not_found).count == 1);
  CHECK(world.retries(FetchEnd::not_found) == 0);
  CHECK(world.counters().fetch_failures == 5);
}

TEST_CASE("an answer about another id is refused, a fetch that nobody ends has timed out") {
  Figures world;
  world.receive({7});
  auto fetch = world.next_fetch();
  fetch.id = 8;
  world.answer(fetch);
  CHECK(world.ended(FetchEnd::refused).count == 1);
  CHECK(world.retries(FetchEnd::refused) == 1);
  while (world.fetches.empty()) world.store_for(100ms);
  world.next_fetch();
  world.store_for(12s);
  CHECK(world.ended(FetchEnd::timeout).count == 1);
  CHECK(world.ended(FetchEnd::timeout).sum == doctest::Approx(11).epsilon(0.02));
}

TEST_CASE("the last failure of a dead letter is no retry, and its letter waits for the store") {
  Figures world({.ttl = 1s, .fetch_concurrency = 100});
  world.receive({7});
  for (int tries = 1; tries <= 3; ++tries) {
    while (world.fetches.empty()) world.store_for(100ms);
    if (tries == 3) world.store_for(1s);
    world.fail(world.next_fetch());
  }
  CHECK(world.retries(FetchEnd::unreachable) == 2);
  CHECK(world.backoff() == -1);
  CHECK(world.store() == 0);
  world.commit_all();
  CHECK(world.counters().dead == 1);
  CHECK(world.store() == -1);
  CHECK(world.to_row().count == 0);  // no row came of it
}

TEST_CASE("a receipt during a fetch waits for the fetch after it") {
  Figures world;
  world.receive({7});
  world.store_for(2s);
  world.receive({7});
  const auto first = world.next_fetch();
  world.store_for(1s);
  CHECK(world.fetch() == 3);
  world.answer(first);
  CHECK(world.fetch() == 1);
  CHECK(world.store() == 0);
  world.store_for(1s);
  CHECK(world.store() == -1);
  CHECK(world.to_row().count == 1);
  world.answer(world.next_fetch());
  CHECK(world.store() == 0);
  world.commit_all();
  CHECK(world.to_row().count == 2);
  CHECK(world.to_row().count == world.counters().stored);
}

TEST_CASE("while the store is away the oldest answer waits on, though newer answers replace it") {
  Figures world;
  world.receive({7});
  world.answer(world.next_fetch());
  const auto fails = [&] {
    while (!world.applies.empty()) world.commit({}, Error::unavailable);
  };
  for (int i = 1; i <= 10; ++i) {
    for (int step = 0; step < 10; ++step) {
      world.advance(500ms);
      fails();
    }
    CHECK(world.store() == 5 * i);
    world.receive({7});
    world.answer(world.next_fetch());
  }
  CHECK(world.transactions().count == 0);
  CHECK(world.touch() == 50);
  world.advance(2s);
  world.commit_all();
  CHECK(world.counters().stored == 1);
  CHECK(world.counters().merged == 10);
  CHECK(world.store() == -1);
  CHECK(world.to_row().count == 1);
  CHECK(world.to_row().sum == doctest::Approx(52));
}

TEST_CASE("a row that the store refuses waits for the store until it is written") {
  Figures world;
  world.receive({7, 8});
  world.answer(world.next_fetch());
  world.answer(world.next_fetch());
  world.commit();  // of the first answer
  Applied applied;
  applied.refused = {{8, "23514", "no", false}};
  world.commit(applied);
  world.advance(3s);
  CHECK(world.store() == 3);
  world.settle();
  CHECK(world.store() == -1);
  CHECK(world.to_row().count == world.counters().stored);
}
