// In steady state the core takes memory for what it hands out and keeps, and for nothing else: the
// lists of a transaction or an expiry, which the store gets to own.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "core/dispatcher.hpp"

namespace {
std::uint64_t allocations = 0;  // of this thread, the only one
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

struct Core {
  Core() : dispatcher(options(), 42) {}

  static PipelineOptions options() {
    PipelineOptions options;
    options.fetch_limit_first = options.fetch_concurrency;
    return options;
  }

  /// One callback; answers and commits come 20 callbacks later, so that several are under way.
  void step() {
    now += 5ms;
    delivery.ids.clear();
    for (ObjectId id = 0; id < 20; ++id) delivery.ids.push_back(first + id);
    first = (first + 20) % 10'000;
    delivery.entries.assign(1, {++sequence, now, 0, 20, false});
    dispatcher.delivered(delivery, now);
    act();
  }
  void act() {
    auto& actions = dispatcher.act(now, now);
    for (const auto& fetch : actions.fetches) fetches.push_back(FetchOrder(fetch));
    for (const auto& apply : actions.applies) {
      ++transactions;
      dispatcher.applied(apply.token, {}, {}, now);
    }
    if (actions.expire) {
      ++expiries;
      dispatcher.expired({}, {}, now);
    }
    for (; fetches.size() > 400; fetches.pop_front()) {
      dispatcher.fetched(fetches.front().token, {{}, fetches.front().id, true, {}, {}}, now);
    }
  }

  Dispatcher dispatcher;
  Delivery delivery;
  Timestamp now{1h};
  Sequence sequence = 0;
  ObjectId first = 0;
  Ring<FetchOrder> fetches;
  std::uint64_t transactions = 0;
  std::uint64_t expiries = 0;
};

}  // namespace

TEST_CASE("an id on its way through the core allocates nothing") {
  Core core;
  for (int i = 0; i < 20'000; ++i) core.step();  // more than a ttl: every list has had its size
  const auto before = allocations;
  const auto transactions = core.transactions;
  const auto expiries = core.expiries;
  constexpr int steps = 20'000;
  for (int i = 0; i < steps; ++i) core.step();
  const auto handed_out = 3 * (core.transactions - transactions) + (core.expiries - expiries);
  const auto quarter_seconds = steps * 5ms / 250ms;
  CHECK(core.dispatcher.counters().stored > 700'000);
  // Besides, a bucket of the expiry schedule and a mark a second.
  CHECK(allocations - before <= handed_out + 2 * static_cast<std::uint64_t>(quarter_seconds));
  MESSAGE((allocations - before) << " allocations for " << steps * 20 << " ids in "
                                 << (core.transactions - transactions) << " transactions");
}
