// What is fetched, when, and what becomes of answers and failures.
#include "core/dispatcher_by_hand.hpp"

namespace postoffice::core {

TEST_CASE("receipts that wait together share one fetch (S3)") {
  DispatcherByHand f({.fetch_concurrency = 1});
  f.receive({1});
  const auto first = f.next_fetch();
  for (int i = 0; i < 10; ++i) f.receive({2});
  CHECK(f.fetches.empty());
  f.answer(first);
  CHECK(f.next_fetch().id == 2);
  CHECK(f.fetches.empty());
  CHECK(f.counters().merged == 9);
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "receipts during a fetch cost exactly one more, begun after them (S3)") {
  receive({1});
  const auto first = next_fetch();
  for (int i = 0; i < 5; ++i) receive({1});
  CHECK(fetches.empty());
  answer(first);
  const auto second = next_fetch();
  CHECK(second.id == 1);
  answer(second);
  settle();
  CHECK(counters().fetches == 2);
  CHECK(counters().stored == 2);
  CHECK(counters().merged == 4);
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "an answer requeues the newest receipt, not the one it was fetched for") {
  receive({1});
  const auto fetch = next_fetch();
  const auto began = now;
  advance(50ms);
  receive({1});
  answer(fetch);
  const auto changes = commit();
  REQUIRE(changes.answers.size() == 1);
  CHECK(changes.answers[0].last_seen == now);
  CHECK(changes.answers[0].fetched_at == began);
}

TEST_CASE_FIXTURE(DispatcherByHand, "not found is an answer and ends the id") {
  receive({1});
  fail(next_fetch(), Error::not_found);
  const auto changes = commit();
  CHECK(changes.answers.empty());
  CHECK(changes.cleared == std::vector<ObjectId>{1});
  CHECK(counters().not_found == 1);
  CHECK(counters().fetch_failures == 0);
  advance(100ms);
  commit();
  CHECK(acknowledged == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand, "an answer about another id is none (S5)") {
  receive({1});
  const auto fetch = next_fetch();
  dispatcher.fetched(fetch.token, {{}, 2, true, {}, {}}, now);
  act();
  CHECK(counters().fetch_failures == 1);
  CHECK(counters().pending == 1);
  advance(300ms);
  CHECK(next_fetch().id == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand, "an answer that comes twice, or after its time, is ignored") {
  receive({1});
  const auto fetch = next_fetch();
  answer(fetch);
  answer(fetch);
  settle();
  CHECK(counters().stored == 1);
  receive({2});
  const auto slow = next_fetch();
  advance(12s);
  CHECK(counters().fetch_failures == 1);
  answer(slow);
  CHECK(counters().stored == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand,
                  "an id becomes a dead letter after three tries and ttl, not before (S7)") {
  receive({1});
  const auto received = now;
  int tries = 0;
  Changes last;
  while (last.dead_letters.empty()) {
    REQUIRE(now < received + 40s);
    for (; !fetches.empty(); ++tries) fail(next_fetch());
    while (!applies.empty()) last = commit();
    if (last.dead_letters.empty()) {
      CHECK(counters().dead == 0);
      advance(50ms);
    }
  }
  CHECK(now >= received + 30s);
  CHECK(now <= received + 36s);
  CHECK(tries >= 3);
  CHECK(last.dead_letters[0].id == 1);
  CHECK(last.dead_letters[0].received_at == received);
  CHECK(last.dead_letters[0].attempts == tries);
  CHECK(last.dead_letters[0].reason == "no luck");
  CHECK(counters().dead == 1);
  CHECK(acknowledged == 1);
}

TEST_CASE_FIXTURE(DispatcherByHand, "an id that is received again and again is not given up") {
  for (int i = 0; i < 600; ++i) {
    if (i % 50 == 0) receive({1});
    fail_all();
    advance(100ms);
    while (!applies.empty()) commit();
  }
  CHECK(counters().dead == 0);
  CHECK(counters().pending == 1);
  CHECK(counters().merged == 11);
}

TEST_CASE_FIXTURE(DispatcherByHand, "one bad id does not delay another (S7)") {
  receive({1});
  for (int i = 0; i < 5; ++i) {
    fail_all();
    advance(6s);
  }
  fetches.clear();  // the bad one hangs now
  receive({2});
  CHECK(next_fetch().id == 2);
}

TEST_CASE_FIXTURE(DispatcherByHand, "a source that fails everybody is probed once a second (S9)") {
  std::vector<ObjectId> ids;
  for (ObjectId id = 0; id < 100; ++id) ids.push_back(id);
  receive(ids);
  fail_all();
  CHECK(dispatcher.fetches().breaker().open());
  std::size_t probes = 0;
  for (int i = 0; i < 100; ++i) {
    advance(100ms);
    probes += fetches.size();
    fail_all();
  }
  CHECK(probes >= 9);
  CHECK(probes <= 11);
  while (fetches.empty()) advance(100ms);
  answer(next_fetch());
  CHECK_FALSE(dispatcher.fetches().breaker().open());
  for (int i = 0; i < 100; ++i) settle();
  CHECK(counters().pending == 0);
}

TEST_CASE_FIXTURE(DispatcherByHand, "draining begins no fetch and sends touches at once (S10)") {
  receive({1});
  const auto fetch = next_fetch();
  dispatcher.drain();
  receive({2});
  CHECK(fetches.empty());
  REQUIRE(applies.size() >= 1);
  commit();
  answer(fetch);
  CHECK(commit().answers.size() == 1);
  CHECK(dispatcher.store().touches_waiting() + dispatcher.fetches().in_flight() <= 1);
  CHECK(counters().pending == 1);
}

TEST_CASE("fetches in flight are as many as the source is found to take") {
  const PipelineOptions options{.fetch_concurrency = 1'000};
  DispatcherByHand f(options);
  std::vector<ObjectId> ids;
  for (ObjectId id = 1; id <= 2'000; ++id) ids.push_back(id);
  f.receive(ids);
  REQUIRE(f.fetches.size() == options.fetch_limit_first);
  f.now += 1s;
  for (int i = 0; i < 100; ++i) f.answer(f.next_fetch());
  CHECK(f.dispatcher.fetches().limit() == options.fetch_limit_first + 100);
  CHECK(f.dispatcher.fetches().in_flight() == options.fetch_limit_first + 100);

  // Refusals shrink it, but not those that are about the id.
  const auto before = f.dispatcher.fetches().limit();
  for (int i = 0; i < 30; ++i) f.fail(f.next_fetch(), Error::refused);
  CHECK(f.dispatcher.fetches().limit() == before);
  f.answer(f.next_fetch());
  for (int i = 0; i < 30; ++i) f.fail(f.next_fetch());
  CHECK(f.dispatcher.fetches().limit() < before - 15);
  CHECK(f.dispatcher.fetches().in_flight() >= f.dispatcher.fetches().limit());
}

}  // namespace postoffice::core
