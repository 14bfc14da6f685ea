// What an id costs the dispatcher. A transition is one id received, or fetched, or stored: three of
// them for an id that goes the whole way, one for a receipt that is merged. Touches, expiry and
// acknowledgements are done, too, but not counted. Rates are for one core.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <mutex>
#include <new>
#include <random>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/ring.hpp"

namespace {
std::uint64_t allocations = 0;  // of this thread, the only one
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto line = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(line, (size + line - 1) / line * line)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

using namespace postoffice;
using namespace postoffice::core;

constexpr std::size_t ids_per_callback = 100;
// More ids than any cache holds, so that a large table is met in all its parts.
constexpr std::size_t callbacks_prepared = 50'000;
// Few enough that filling a table ten times does not take longer than measuring it.
constexpr std::int64_t callbacks_measured = 50'000;
constexpr std::int64_t transitions_of_an_id = 3;

using Ids = std::vector<ObjectId>;

std::size_t allocated_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

Delivery delivery_of(Ids ids) {
  Delivery delivery;
  delivery.ids = std::move(ids);
  std::sort(delivery.ids.begin(), delivery.ids.end());
  delivery.ids.erase(std::unique(delivery.ids.begin(), delivery.ids.end()), delivery.ids.end());
  delivery.entries.push_back({0, {}, 0, static_cast<std::uint32_t>(delivery.ids.size()), false});
  return delivery;
}

/// Callbacks of a hundred ids out of `known`.
std::vector<Delivery> random_callbacks(std::int64_t known) {
  std::mt19937_64 random(42);
  std::vector<Delivery> deliveries;
  for (std::size_t i = 0; i < callbacks_prepared; ++i) {
    Ids ids(ids_per_callback);
    for (auto& id : ids) id = static_cast<ObjectId>(random() % static_cast<std::uint64_t>(known));
    deliveries.push_back(delivery_of(std::move(ids)));
  }
  return deliveries;
}

PipelineOptions wide_options(std::size_t fetches) {
  PipelineOptions options;
  options.fetch_concurrency = options.fetch_limit_first = fetches;
  options.pending_ids_max = options.known_ids_max = 100'000'000;
  return options;
}

/// A dispatcher whose store commits at once, and whose source answers as soon as `in_flight`
/// fetches are unanswered, the oldest first.
struct Core {
  explicit Core(std::size_t fetches = 1'000'000) : dispatcher(wide_options(fetches), 42) {}

  void receive(Delivery& delivery) {
    delivery.entries[0].sequence = ++sequence;
    delivery.entries[0].received_at = now += std::chrono::microseconds(10);
    dispatcher.delivered(delivery, now);
  }
  void work() {
    auto& actions = dispatcher.act(now, now);
    for (const auto& fetch : actions.fetches) {
      asked.push_back(FetchOrder(fetch));
      if (asked.size() > in_flight) answer_oldest();
    }
    for (const auto& apply : actions.applies) dispatcher.applied(apply.token, {}, {}, now);
    if (actions.expire) dispatcher.expired({}, {}, now);
  }
  /// All ids from 0 to `known`, each once, so that all of them are known and none is pending.
  void fill(std::int64_t known) {
    for (ObjectId id = 0; id < known;) {
      Ids ids;
      while (ids.size() < ids_per_callback && id < known) ids.push_back(id++);
      Delivery delivery = delivery_of(std::move(ids));
      receive(delivery);
      work();
    }
    while (!asked.empty()) answer_oldest();
    for (int i = 0; i < 8; ++i) {
      now += std::chrono::milliseconds(100);
      work();
    }
  }
  std::uint64_t transitions() const {
    const Counters& counters = dispatcher.counters();
    return counters.delivered + counters.fetches + counters.stored;
  }
  void answer_oldest() {
    const FetchOrder fetch = asked.front();
    asked.pop_front();
    dispatcher.fetched(fetch.token, {{}, fetch.id, true, {}, {}}, now);
  }

  Dispatcher dispatcher;
  Ring<FetchOrder> asked;
  std::size_t in_flight = 0;
  Timestamp now{std::chrono::hours(1)};
  Sequence sequence = 0;
};

// Callbacks that meet known ids, with ten thousand fetches in flight. The curve over the number of
// known ids should be flat.
void transitions(benchmark::State& state) {
  Core core;
  core.fill(state.range(0));
  core.in_flight = 10'000;
  auto deliveries = random_callbacks(state.range(0));
  const auto transitions_before = core.transitions();
  const auto allocations_before = allocations;
  for (auto unused : state) {
    (void)unused;
    auto& delivery = deliveries[core.sequence % deliveries.size()];
    core.receive(delivery);
    core.work();
  }
  const auto count = static_cast<double>(state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(core.transitions() - transitions_before));
  state.counters["known"] = static_cast<double>(core.dispatcher.known_ids());
  state.counters["allocations_per_callback"] =
      static_cast<double>(allocations - allocations_before) / count;
}
BENCHMARK(transitions)
    ->RangeMultiplier(10)
    ->Range(1'000, 10'000'000)
    ->Iterations(callbacks_measured);

// Callbacks whose ids all wait already: what a flood of duplicates costs. One transition an id.
void merged(benchmark::State& state) {
  Core core(1);
  auto deliveries = random_callbacks(state.range(0));
  for (auto& delivery : deliveries) core.receive(delivery);
  std::int64_t ids = 0;
  for (auto unused : state) {
    (void)unused;
    auto& delivery = deliveries[core.sequence % deliveries.size()];
    core.receive(delivery);
    ids += static_cast<std::int64_t>(delivery.ids.size());
  }
  state.SetItemsProcessed(ids);
  state.counters["waiting"] = static_cast<double>(core.dispatcher.active_ids());
}
BENCHMARK(merged)->RangeMultiplier(10)->Range(1'000, 10'000'000)->Iterations(callbacks_measured);

// The usual way to do it: a map, a list in the order of the last receipts, a mutex around both, and
// three visits an id. It composes no transactions and knows no watermark.
class MapAndMutex {
 public:
  void received(ObjectId id, Timestamp received_at) {
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = items_.try_emplace(id);
    Item& item = place->second;
    if (fresh) {
      item.place = order_.insert(order_.end(), id);
    } else {
      order_.splice(order_.end(), order_, item.place);
    }
    item.last_receipt = received_at;
    item.stage = Stage::queued;
  }
  void reached(ObjectId id, Stage stage) {
    const std::lock_guard lock(mutex_);
    items_.at(id).stage = stage;
  }

 private:
  struct Item {
    Timestamp last_receipt{};
    std::list<ObjectId>::iterator place;
    Stage stage = Stage::idle;
  };
  std::mutex mutex_;
  std::unordered_map<ObjectId, Item> items_;
  std::list<ObjectId> order_;
};

void map_and_mutex(benchmark::State& state) {
  const auto before = allocated_bytes();
  MapAndMutex items;
  for (ObjectId id = 0; id < state.range(0); ++id) items.received(id, {});
  state.counters["bytes_per_id"] =
      static_cast<double>(allocated_bytes() - before) / static_cast<double>(state.range(0));
  const auto deliveries = random_callbacks(state.range(0));
  std::thread([] {}).join();  // with one thread only, locks cost nothing
  constexpr std::size_t callbacks_in_flight = 100;
  std::int64_t ids = 0;
  Timestamp now{std::chrono::hours(1)};
  std::size_t callback = 0;
  for (auto unused : state) {
    (void)unused;
    now += std::chrono::microseconds(10);
    const auto& delivery = deliveries[callback % deliveries.size()];
    for (const ObjectId id : delivery.ids) items.received(id, now);
    for (const ObjectId id : delivery.ids) items.reached(id, Stage::fetching);
    const auto answered = callback++ + deliveries.size() - callbacks_in_flight;
    for (const ObjectId id : deliveries[answered % deliveries.size()].ids) {
      items.reached(id, Stage::idle);
    }
    ids += static_cast<std::int64_t>(delivery.ids.size());
  }
  state.SetItemsProcessed(ids * transitions_of_an_id);
}
BENCHMARK(map_and_mutex)
    ->RangeMultiplier(10)
    ->Range(1'000, 10'000'000)
    ->Iterations(callbacks_measured);

// Bytes of a known id: its record, its slot, its place in the expiry schedule, and whatever the
// core holds besides. 800,000 and 1,600,000 are where the slots have just doubled.
void memory(benchmark::State& state) {
  for (auto unused : state) {
    (void)unused;
    const auto before = allocated_bytes();
    Core core;
    core.fill(state.range(0));
    const auto bytes = static_cast<double>(allocated_bytes() - before);
    const auto known = static_cast<double>(core.dispatcher.known_ids());
    state.counters["bytes_per_known_id"] = bytes / known;
    state.counters["active"] = static_cast<double>(core.dispatcher.active_ids());
  }
}
BENCHMARK(memory)->Arg(800'000)->Arg(1'000'000)->Arg(1'600'000)->Arg(10'000'000)->Iterations(1);

// The same of ids that all wait to be fetched.
void memory_waiting(benchmark::State& state) {
  for (auto unused : state) {
    (void)unused;
    const auto before = allocated_bytes();
    Core core(1);
    core.fill(state.range(0));
    state.counters["bytes_per_waiting_id"] =
        static_cast<double>(allocated_bytes() - before) / static_cast<double>(state.range(0));
    state.counters["active"] = static_cast<double>(core.dispatcher.active_ids());
  }
}
BENCHMARK(memory_waiting)->Arg(1'000'000)->Iterations(1);

// From nothing to ten million ids: no callback may wait until all ids have been moved.
void worst_callback(benchmark::State& state) {
  using std::chrono::steady_clock;
  for (auto unused : state) {
    (void)unused;
    Core core;
    std::vector<double> took;
    for (ObjectId id = 0; id < state.range(0);) {
      Ids ids;
      while (ids.size() < ids_per_callback) ids.push_back(id++);
      Delivery delivery = delivery_of(std::move(ids));
      const auto begun = steady_clock::now();
      core.receive(delivery);
      core.work();
      took.push_back(
          std::chrono::duration<double, std::micro>(steady_clock::now() - begun).count());
    }
    std::sort(took.begin(), took.end());
    state.counters["median_us"] = took[took.size() / 2];
    state.counters["p99_us"] = took[took.size() * 99 / 100];
    state.counters["worst_us"] = took.back();
  }
}
BENCHMARK(worst_callback)->Arg(10'000'000)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
