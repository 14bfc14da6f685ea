// What an id costs the dispatcher: received, touched, fetched, answered, stored. Rates are ids a
// second on one core.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "core/dispatcher.hpp"

namespace {

using namespace postoffice;
using namespace postoffice::core;

constexpr std::size_t ids_per_callback = 100;

Delivery callback(std::mt19937_64& random, std::int64_t known, Sequence sequence, Timestamp now) {
  Delivery delivery;
  for (std::size_t i = 0; i < ids_per_callback; ++i) {
    delivery.ids.push_back(static_cast<ObjectId>(random() % static_cast<std::uint64_t>(known)));
  }
  std::sort(delivery.ids.begin(), delivery.ids.end());
  delivery.ids.erase(std::unique(delivery.ids.begin(), delivery.ids.end()), delivery.ids.end());
  delivery.entries.push_back(
      {sequence, now, 0, static_cast<std::uint32_t>(delivery.ids.size()), false});
  return delivery;
}

// Callbacks that meet ids already known, as in a flood: every answer and every commit comes at
// once.
void whole_way(benchmark::State& state) {
  std::mt19937_64 random(42);
  PipelineOptions options;
  options.fetch_concurrency = options.fetch_limit_first = 1'000'000;
  Dispatcher dispatcher(options, 42);
  Timestamp now{std::chrono::hours(1)};
  Sequence sequence = 0;
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 1'000; ++i) deliveries.push_back(callback(random, state.range(0), 0, now));
  std::int64_t ids = 0;
  for (auto unused : state) {
    (void)unused;
    auto& delivery = deliveries[sequence % deliveries.size()];
    delivery.entries[0].sequence = ++sequence;
    delivery.entries[0].received_at = now += std::chrono::microseconds(10);
    dispatcher.delivered(delivery, now);
    auto actions = dispatcher.act(now, now);
    for (const auto& fetch : actions.fetches) {
      dispatcher.fetched(fetch.token, {{}, fetch.id, true, {}, {}}, now);
    }
    for (const auto& apply : actions.applies) dispatcher.applied(apply.token, {}, {}, now);
    if (actions.expire) dispatcher.expired({}, 0, now);
    ids += static_cast<std::int64_t>(delivery.ids.size());
  }
  state.SetItemsProcessed(ids);
}
BENCHMARK(whole_way)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// Callbacks whose ids all wait already: what a flood of duplicates costs.
void merged(benchmark::State& state) {
  std::mt19937_64 random(42);
  PipelineOptions options;
  options.fetch_concurrency = 1;
  options.pending_ids_max = options.known_ids_max = 4'000'000;
  Dispatcher dispatcher(options, 42);
  Timestamp now{std::chrono::hours(1)};
  Sequence sequence = 0;
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 10'000; ++i) deliveries.push_back(callback(random, state.range(0), 0, now));
  std::int64_t ids = 0;
  for (auto unused : state) {
    (void)unused;
    auto& delivery = deliveries[sequence % deliveries.size()];
    delivery.entries[0].sequence = ++sequence;
    delivery.entries[0].received_at = now;
    dispatcher.delivered(delivery, now);
    ids += static_cast<std::int64_t>(delivery.ids.size());
  }
  state.SetItemsProcessed(ids);
  state.counters["known"] = static_cast<double>(dispatcher.known_ids());
}
BENCHMARK(merged)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
