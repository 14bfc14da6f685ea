// What a store that several queues share is told, and fetches that are limited anew while running.
#include <doctest/doctest.h>

#include "core/dispatcher.hpp"

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

PipelineOptions with_beat(std::chrono::milliseconds beat) {
  PipelineOptions options;
  options.beat = beat;
  return options;
}

// Acts every 10 ms, ends each expiry at once, and gives them all.
std::vector<Expiry> expiries(Dispatcher& dispatcher, Timestamp& now, Duration span,
                             Timestamp recorded = Timestamp::max()) {
  std::vector<Expiry> found;
  for (const Timestamp end = now + span; now < end; now += 10ms) {
    Actions actions = dispatcher.act(now, now, recorded);
    if (!actions.expire) continue;
    found.push_back(std::move(*actions.expire));
    dispatcher.expired({}, {}, now);
  }
  return found;
}

}  // namespace

TEST_CASE("with a beat the store is told the watermark although there is nothing to delete (S6)") {
  Timestamp now{1h};
  Dispatcher dispatcher(with_beat(200ms), 1);
  expiries(dispatcher, now, 40s);  // the scans after the start are over
  const auto beats = expiries(dispatcher, now, 2s);
  CHECK(beats.size() == 10);
  CHECK(beats.back().watermark >= now - 300ms);
  CHECK(beats.back().watermark - beats.back().cutoff == 30s);

  Dispatcher without(with_beat(0ms), 1);
  expiries(without, now, 40s);
  CHECK(expiries(without, now, 2s).empty());
}

TEST_CASE("the first beat comes with the first look") {
  Dispatcher dispatcher(with_beat(1'000ms), 1);
  CHECK(dispatcher.act(Timestamp{1h}, Timestamp{1h}).expire);
}

TEST_CASE("the store is told no watermark that the next run could stamp a ttl before (S2, S6)") {
  Timestamp now{1h};
  const Timestamp recorded = now;
  Dispatcher dispatcher(with_beat(200ms), 1);
  for (const Expiry& beat : expiries(dispatcher, now, 60s, recorded)) {
    CHECK(beat.watermark <= recorded + 30s);
  }
}

TEST_CASE("the limit on fetches may change while running") {
  Timestamp now{1h};
  PipelineOptions options;
  options.fetch_concurrency = 2;
  Dispatcher dispatcher(options, 1);
  Delivery delivery;
  for (ObjectId id = 1; id <= 10; ++id) delivery.ids.push_back(id);
  delivery.entries.push_back({1, now, 0, 10, false});
  dispatcher.delivered(delivery, now);
  const auto first = dispatcher.act(now, now).fetches;
  CHECK(first.size() == 2);
  dispatcher.set_fetch_concurrency(5);
  CHECK(dispatcher.act(now, now).fetches.size() == 3);
  dispatcher.set_fetch_concurrency(0);
  for (const FetchOrder& fetch : first) {
    dispatcher.fetched(fetch.token, {{}, fetch.id, true, {}, {}}, now);
  }
  CHECK(dispatcher.act(now, now).fetches.empty());
  dispatcher.set_fetch_concurrency(100);
  CHECK(dispatcher.act(now, now).fetches.size() == 5);
}
