// What goes to the store in one transaction, and what becomes of it.
#pragma once

#include <cstdint>
#include <deque>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "core/counters.hpp"
#include "core/ledger.hpp"
#include "core/outcome.hpp"
#include "core/touch_stage.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/options.hpp"

namespace postoffice::core {

struct ApplyOrder {
  std::uint64_t token = 0;  // names this transaction in applied()
  Changes changes;
};

/// Collects outcomes and touches into transactions: outcomes leave as soon as a transaction may
/// begin, touches when they are due. A transaction that fails is taken apart and goes again, later.
class StoreStage {
 public:
  StoreStage(Ledger& ledger, Counters& counters, const PipelineOptions& options);

  TouchStage& touches() { return touches_; }
  const TouchStage& touches() const { return touches_; }

  /// An outcome takes the place of one of the same id that still waits: while the store is away,
  /// memory grows with the ids, not with their receipts.
  void add(std::vector<Outcome> outcomes);

  /// The transactions to begin now. `flush`: touches go even if they are not due.
  std::vector<ApplyOrder> begin(Timestamp now, Timestamp cutoff, bool flush);

  /// A transaction has ended. Returns the entries that have been resolved by it, or may have been.
  std::vector<EntryIndex> applied(std::uint64_t token, std::error_code error,
                                  const Applied& applied, Timestamp now);

  std::size_t outcomes_waiting() const { return waiting_.size() + outcomes_in_flight_; }
  std::size_t touches_waiting() const { return touches_.size() + touches_in_flight_; }
  bool up() const { return failures_ == 0; }
  bool idle() const { return outcomes_waiting() == 0 && touches_waiting() == 0; }

  /// Of all touches not yet committed: the oldest receipt, the first record.
  Timestamp oldest_touch() const;
  Sequence first_touch() const;

  Timestamp wake() const;

 private:
  struct Batch {
    std::uint64_t token = 0;
    std::vector<Outcome> outcomes;
    TouchStage::Chunk chunk;
    bool in_turn = true;  // no chunk before this one has failed or is still under way
  };

  ApplyOrder compose(Timestamp cutoff, bool with_touches);
  std::vector<Outcome> take_outcomes();
  void add_outcome(Changes& changes, const Outcome& outcome) const;
  void committed(Batch& batch, const Applied& applied, Timestamp now,
                 std::vector<EntryIndex>& resolved);
  void commit_touches(const TouchStage::Chunk& chunk, const Applied& applied, Timestamp now,
                      std::vector<EntryIndex>& resolved);
  void put_back(Batch& batch, std::vector<EntryIndex>& resolved);
  void put_back_touches(TouchStage::Chunk& chunk);
  void merge(const Outcome& outcome);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  TouchStage touches_;
  std::unordered_map<EntryIndex, Outcome> waiting_;
  std::deque<EntryIndex> order_;  // of waiting_
  std::deque<Batch> in_flight_;
  std::size_t outcomes_in_flight_ = 0;
  std::size_t touches_in_flight_ = 0;
  std::uint64_t last_token_ = 0;
  std::uint64_t last_order_ = 0;
  int failures_ = 0;  // in a row
  Timestamp not_before_{};
};

}  // namespace postoffice::core
