// Which ids are fetched when: coalescing, retries, the limit on fetches in flight.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/breaker.hpp"
#include "core/counters.hpp"
#include "core/fetch_limit.hpp"
#include "core/ledger.hpp"
#include "core/outcome.hpp"
#include "core/ready_queue.hpp"
#include "core/retry_schedule.hpp"
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
/// after it, or ends as dead, or is merged into a later receipt of the id.
class FetchStage {
 public:
  FetchStage(Ledger& ledger, Counters& counters, const PipelineOptions& options,
             std::uint64_t seed);

  /// A receipt of the id has been entered into the ledger: a fetch is owed to it. `aged`: the id
  /// was past its ttl before this receipt.
  void owe(EntryIndex index, bool aged, Timestamp now);

  /// The next fetches to begin.
  std::vector<FetchOrder> begin(Timestamp now);

  /// A fetch has ended. A token that is not known (a late or second answer) is ignored.
  void fetched(std::uint64_t token, const FetchResult& result, Timestamp now);

  /// No further fetch begins.
  void drain() { draining_ = true; }

  /// Outcomes since the last call.
  std::vector<Outcome> take_outcomes() { return std::exchange(outcomes_, {}); }

  std::size_t in_flight() const { return in_flight_.size(); }
  std::size_t waiting() const { return retries_.size(); }
  const Breaker& breaker() const { return breaker_; }
  /// Fetches in flight at most, at present.
  std::size_t limit() const { return limit_.under(options_.fetch_concurrency); }

  /// When begin() is to be called next, even if nothing happens.
  Timestamp wake() const;

 private:
  struct Fetch {
    EntryIndex index;
    Timestamp began;
    bool retry;
  };
  struct Deadline {
    std::uint64_t token;
    Timestamp when;
  };

  bool may_give_up(const Entry& entry, Timestamp now) const;
  void give_up(EntryIndex index, Timestamp now);
  void retry_due(Timestamp now);
  void time_out(Timestamp now);
  void answered(EntryIndex index, const Fetch& fetch, const FetchResult& result, Timestamp now);
  void failed(EntryIndex index, const FetchResult& result, Timestamp now);
  void add_outcome(Outcome outcome);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  ReadyQueue ready_;
  RetrySchedule retries_;
  Breaker breaker_;
  FetchLimit limit_;
  std::unordered_map<std::uint64_t, Fetch> in_flight_;
  std::deque<Deadline> deadlines_;  // in the order of begin(): the timeout is one for all
  std::unordered_map<EntryIndex, std::string> failures_;  // why the last fetch of an id failed
  std::vector<Outcome> outcomes_;
  std::uint64_t last_token_ = 0;
  std::size_t retries_in_flight_ = 0;
  bool draining_ = false;
};

}  // namespace postoffice::core
