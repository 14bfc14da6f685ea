// Which ids are fetched when: coalescing, retries, the limit on fetches in flight.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/intrusive_list.hpp"
#include "core/abandoned_fetches.hpp"
#include "core/circuit_breaker.hpp"
#include "core/concurrency_limit.hpp"
#include "core/counters.hpp"
#include "core/ledger.hpp"
#include "core/outcome.hpp"
#include "core/ready_queue.hpp"
#include "core/retry_schedule.hpp"
#include "core/source_news.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/options.hpp"

namespace postoffice::core {

struct FetchOrder {
  std::uint64_t token = 0;  // names this fetch in fetched()
  ObjectId id = 0;
};

/// Per id: idle → queued → fetching → idle, with waiting (for a retry) between failed fetches, and
/// dirty when a receipt came after the fetch had begun.
///
/// Invariants: at most one fetch of an id is in flight; a receipt is answered by a fetch that began
/// after it, or ends as dead, or is merged into a later receipt of the id. Including abandoned
/// ones, at most one fetch more than the limit is in flight.
///
/// Slots are shared. Retries take at most half of the slots, and at most a quarter while ids wait
/// that were never tried. Ids beyond ttl take at most half.
class FetchStage {
 public:
  FetchStage(Ledger& ledger, Counters& counters, const PipelineOptions& options,
             std::uint64_t seed);

  /// A receipt of the id has been entered into the ledger: a fetch is owed to it. `past_ttl`: the
  /// id was past its ttl before this receipt. `waited`: newer ones are in line already.
  void owe(EntryIndex index, Timestamp received_at, bool past_ttl, Timestamp now,
           bool waited = false);

  /// Adds the next fetches to begin to `orders`.
  void begin(Timestamp now, std::vector<FetchOrder>& orders);

  /// A fetch has ended. A token that is not known (a late or second answer) is ignored.
  void fetched(std::uint64_t token, const FetchResult& result, Timestamp now);

  /// The options have changed. `timeout`: the fetch_timeout before, which holds for the fetches
  /// that are in flight.
  void options_changed(Duration timeout, Timestamp now);

  /// No further fetch begins.
  void drain() { draining_ = true; }

  /// Outcomes since they were last taken out.
  std::vector<Outcome>& outcomes() { return outcomes_; }

  /// Ids in line that were never tried; and those that have left it untried, older than ttl: the
  /// caller's to end and to clear.
  std::size_t first_attempts() const { return ready_.first_attempts(); }
  std::vector<EntryIndex>& too_old() { return ready_.too_old(); }

  std::size_t in_flight() const { return in_flight_.size(); }
  std::size_t waiting() const { return retries_.size(); }
  std::size_t in_line() const { return ready_.size(); }
  const CircuitBreaker& breaker() const { return breaker_; }
  /// The source does not answer, as far as is known: with nothing left to ask, nothing is known.
  bool source_silent(Timestamp now) const;
  /// What the newest fetches say about the source, and the newest id that was given up.
  FetchNews news() const;
  const DeadLetterNews& newest_dead() const { return newest_dead_; }
  /// Fetches that timed out and that the source may still be busy with.
  std::size_t abandoned(Timestamp now) { return abandoned_.count(now); }
  /// Fetches in flight at most, at present.
  std::size_t limit() const { return limit_.under(options_.fetch_concurrency); }

  /// When begin() is to be called next, even if nothing happens.
  Timestamp next_wake_at() const;

 private:
  using Slot = std::uint32_t;
  static constexpr Slot no_slot = 0xffffffff;  // as at either end of a list

  /// The fetches in flight stand in a list, in the order of begin(): the timeout is one for all.
  /// (After a change of it, one that is shorter may be noticed as late as one that was longer.)
  struct Fetch {
    EntryIndex index = no_entry;  // none: the slot is free
    std::uint32_t use = 0;        // of the slot, so that a late answer is told from its successor's
    Timestamp began{};
    Timestamp owed_since{};  // Entry::owed_since at that time
    ListLinks<Slot> in_flight;
    Slot next_free = no_slot;  // while the slot is free
    bool retry = false;
    bool stale = false;    // it cannot lead to a row any more
    bool alone = false;    // few others were in flight
    bool in_line = false;  // nothing that began later has been answered
  };

  void end_too_old(Timestamp now);
  bool has_room(Timestamp now);
  Timestamp room_from(Timestamp now);
  EntryIndex next(Timestamp now);
  FetchOrder order(EntryIndex index, Timestamp now);
  std::uint64_t enter_flight(EntryIndex index, Timestamp now);
  void leave_flight(Slot slot);
  void leave_line(Slot slot);
  void overtake(Timestamp began);
  ConcurrencyLimit::Load load(Timestamp now);
  Slot slot_of(std::uint64_t token) const;
  Timestamp deadline(const Fetch& fetch) const;
  void ended(Slot slot, const FetchResult& result, Timestamp now);
  bool may_give_up(const Entry& entry, Timestamp now) const;
  void give_up(EntryIndex index, Timestamp now);
  void put_in_line(EntryIndex index, Timestamp now, bool waited = false);
  void wait_for_retry(EntryIndex index, Timestamp due);
  void retry_due(Timestamp now);
  void time_out(Timestamp now);
  void answered(EntryIndex index, const Fetch& fetch, const FetchResult& result, Timestamp now);
  void failed(EntryIndex index, const Fetch& fetch, const FetchResult& result, Timestamp now);
  void heed_failure(const Entry& entry, Timestamp began, std::error_code error, Timestamp now);
  Duration longest_pause() const;
  Outcome& add_outcome(EntryIndex index, Timestamp received_at, Timestamp now);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  ReadyQueue ready_;
  RetrySchedule retries_;
  CircuitBreaker breaker_;
  ConcurrencyLimit limit_;
  AbandonedFetches abandoned_;
  std::vector<Fetch> slots_;
  Slot free_ = no_slot;
  IntrusiveList<Slot, Fetch, &Fetch::in_flight> in_flight_;  // the oldest first
  Slot line_ = no_slot;  // the oldest that is in line: those that began after it are, too
  std::size_t in_line_ = 0;
  std::unordered_map<EntryIndex, std::string> failures_;  // why the last fetch of an id failed
  SourceNews news_;
  DeadLetterNews newest_dead_;
  std::vector<Outcome> outcomes_;
  std::size_t retries_in_flight_ = 0;
  std::size_t stale_in_flight_ = 0;
  Timestamp blocked_until_ = Timestamp::max();
  Duration timeout_before_{};  // of fetches that began before …
  Timestamp timeout_from_{};   // … this time
  bool draining_ = false;
};

}  // namespace postoffice::core
