// Small histories of the real queue, and for each every state that a power cut at any moment may
// leave: the promises hold in all of them (S1, S10).
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <unordered_set>

#include "journal/crash_histories.hpp"
#include "journal/thinning.hpp"

namespace postoffice::journal {
namespace {

struct Totals {
  std::uint64_t operations = 0;
  std::uint64_t outcomes = 0;  // before those that look the same are taken together
  std::uint64_t states = 0;
  std::uint64_t recoveries = 0;
  std::uint64_t crashes_in_recovery = 0;
  std::uint64_t bounded = 0;
  std::size_t unsynced_most = 0;
  std::uint64_t promises = 0;

  Totals& operator+=(const Totals& more) {
    operations += more.operations;
    outcomes += more.outcomes;
    states += more.states;
    recoveries += more.recoveries;
    crashes_in_recovery += more.crashes_in_recovery;
    bounded += more.bounded;
    unsynced_most = std::max(unsynced_most, more.unsynced_most);
    promises += more.promises;
    return *this;
  }
};

using Reading = std::vector<Callback>;

/// What must hold in one state.
class StateCheck {
 public:
  StateCheck(const Image& image, const Oracle& oracle, const FileQueueOptions& options,
             Totals& totals)
      : image_(image), oracle_(oracle), options_(options), totals_(totals) {}

  void run() {
    SimulatedDisk disk(image_);
    const auto first = recover(disk);
    const auto changes = disk.log();
    REQUIRE(recover(disk) == first);
    check_strict();
    for (std::size_t at = 1; at <= std::min<std::size_t>(changes.size(), 4); ++at) {
      crash_in_recovery(at * changes.size() / 4, first);
    }
    go_on(first);
  }

 private:
  Reading recover(SimulatedDisk& disk) {
    ++totals_.recoveries;
    testing::ManualClock clock(Timestamp{});
    QueueRun run(disk, options_, clock);
    REQUIRE_FALSE(run.error());
    for (const auto& [sequence, callback] : oracle_.promised) {
      REQUIRE(clock.now() >= callback.received_at);
    }
    auto found = run.read_all();
    REQUIRE(run.queue().recovery().lost_records == 0);
    check(found, run.queue());
    return found;
  }

  void check(const Reading& found, const JournalQueue& queue) {
    REQUIRE(queue.lost_records() == 0);
    REQUIRE(queue.recovery().callbacks == found.size());
    // It may cover sequences that nobody will ever read, but no promise.
    const auto covered = oracle_.promised.upper_bound(oracle_.acknowledged);
    REQUIRE((covered == oracle_.promised.end() || covered->first > queue.progress().acknowledged));
    Sequence before = 0;
    std::size_t kept = 0;
    std::set<ObjectId> once;
    for (const auto& callback : found) {
      REQUIRE(callback.sequence > before);
      before = callback.sequence;
      REQUIRE_FALSE(callback.ids.empty());
      const auto attempt = oracle_.attempted.find(callback.ids.front());
      REQUIRE(attempt != oracle_.attempted.end());
      REQUIRE(attempt->second.ids == callback.ids);
      REQUIRE(attempt->second.received_at == callback.received_at);
      REQUIRE(once.insert(callback.ids.front()).second);
      const auto promise = oracle_.sequences.find(callback.ids.front());
      REQUIRE(
          (promise != oracle_.sequences.end() || !oracle_.promised.contains(callback.sequence)));
      if (promise == oracle_.sequences.end()) continue;
      REQUIRE(promise->second == callback.sequence);
      if (callback.sequence > oracle_.acknowledged) ++kept;
    }
    const auto& promised = oracle_.promised;
    const auto owed = std::distance(promised.upper_bound(oracle_.acknowledged), promised.end());
    REQUIRE(kept == static_cast<std::size_t>(owed));
  }

  /// What a crash leaves is no damage.
  void check_strict() {
    auto options = options_;
    options.strict = true;
    SimulatedDisk disk(image_);
    testing::ManualClock clock(Timestamp{});
    REQUIRE_FALSE(QueueRun(disk, options, clock).error());
  }

  /// The process dies there, with or without the power.
  void crash_in_recovery(std::size_t changes, const Reading& expected) {
    ++totals_.crashes_in_recovery;
    SimulatedDisk disk(image_);
    {
      disk.die_after(changes);
      testing::ManualClock clock(Timestamp{});
      const QueueRun run(disk, options_, clock);
    }
    SimulatedDisk after_cut(nothing_unsynced(image_, disk.log()));
    REQUIRE(recover(disk) == expected);
    REQUIRE(recover(after_cut) == expected);
  }

  /// New promises on top, and the power goes again: nothing is covered, nothing used twice.
  void go_on(const Reading& found) {
    SimulatedDisk disk(image_);
    Oracle more = oracle_;
    {
      testing::ManualClock clock(Timestamp{});
      QueueRun run(disk, options_, clock);
      REQUIRE_FALSE(run.error());
      for (ObjectId id = 1; id <= 2; ++id) {
        const std::vector<ObjectId> ids{-id};
        run.queue().append(ids, {}, [&](std::error_code error, const Receipt& receipt) {
          REQUIRE_FALSE(error);
          check_new(receipt);
          const Callback callback{receipt.sequence, receipt.received_at, ids};
          more.attempted[-id] = callback;
          more.hear({receipt.sequence, callback});
        });
        run.work(Worker::flusher);
      }
      REQUIRE(more.promised.size() == oracle_.promised.size() + 2);
    }
    SimulatedDisk after(nothing_unsynced(image_, disk.log()));
    StateCheck next(image_, more, options_, totals_);
    const auto again = next.recover(after);
    REQUIRE(again.size() == found.size() + 2);
    REQUIRE(std::equal(found.begin(), found.end(), again.begin()));
  }

  void check_new(const Receipt& receipt) const {
    if (!oracle_.promised.empty()) REQUIRE(receipt.sequence > oracle_.promised.rbegin()->first);
    for (const auto& [sequence, callback] : oracle_.promised) {
      REQUIRE(receipt.received_at >= callback.received_at);
    }
  }

  const Image& image_;
  const Oracle& oracle_;
  const FileQueueOptions& options_;
  Totals& totals_;
};

Totals take_apart(Script& script, const FileQueueOptions& options = small_options()) {
  Totals totals;
  Oracle oracle;
  oracle.attempted = script.attempted();
  std::size_t told = 0;
  std::unordered_set<std::size_t> seen;
  for (const auto& recording : script.recordings()) {
    // Squared, for most of the outcomes that are left out look like others.
    CrashStates states(recording.start, recording.log, every() * every());
    for (std::size_t length = 0; length <= recording.log.size(); ++length) {
      if (length > 0 && recording.log[length - 1].kind == Operation::Kind::mark) {
        oracle.hear(script.told()[told++]);
      }
      CAPTURE(length);
      states.after(length, [&](const Image& image) {
        ++totals.outcomes;
        if (!seen.insert(hash_of(image) ^ told * 0x9e3779b97f4a7c15).second) return;
        ++totals.states;
        StateCheck(image, oracle, options, totals).run();
      });
    }
    totals.operations += recording.log.size();
    totals.bounded += states.bounded();
    totals.unsynced_most = std::max(totals.unsynced_most, states.unsynced_most());
  }
  REQUIRE(told == script.told().size());
  totals.promises = oracle.promised.size();
  REQUIRE(totals.promises > 0);
  return totals;
}

unsigned long long shown(std::uint64_t number) { return number; }

void print(const char* name, std::size_t histories, const Totals& totals) {
  std::printf(
      "%s: %zu, %llu promises, %llu operations, at most %zu unsynced (%llu times not all "
      "considered), %llu outcomes, %llu different states, %llu recoveries, %llu of them "
      "crashed\n",
      name, histories, shown(totals.promises), shown(totals.operations), totals.unsynced_most,
      shown(totals.bounded), shown(totals.outcomes), shown(totals.states), shown(totals.recoveries),
      shown(totals.crashes_in_recovery));
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("whatever a power cut leaves of a small history, its promises hold") {
  Totals all;
  for (const auto& history : histories) {
    CAPTURE(history.name);
    Script script;
    history.play(script);
    const auto totals = take_apart(script);
    all += totals;
    print(history.name, 1, totals);
  }
  print("small histories", std::size(histories), all);
}

TEST_CASE("whatever comes in between at any moment, and whatever a power cut then leaves") {
  Totals all;
  std::size_t played = 0;
  for (const auto& family : families) {
    CAPTURE(family.name);
    Totals totals;
    for (std::size_t n = 0; n < family.times; ++n, ++played) {
      CAPTURE(n);
      Script script;
      family.play(script, n);
      totals += take_apart(script);
    }
    print(family.name, family.times, totals);
    all += totals;
  }
  print("small histories with something in between", played, all);
}

}  // namespace postoffice::journal
