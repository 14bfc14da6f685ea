// What goes to the store in one transaction, and what becomes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "core/counters.hpp"
#include "core/ledger.hpp"
#include "core/outcome.hpp"
#include "core/ring.hpp"
#include "core/stuck_rows.hpp"
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
///
/// A row that the store refuses is separated from the others (StuckRows) and tried again alone. The
/// store holds its receipts (Changes::held), so the watermark and the queue go on, and the row is
/// not deleted early.
///
/// Invariant: a receipt counts as committed once it is on its row, or held by the store, or there
/// is no row.
class StoreStage {
 public:
  StoreStage(Ledger& ledger, Counters& counters, const PipelineOptions& options);

  TouchStage& touches() { return touches_; }
  const TouchStage& touches() const { return touches_; }

  /// Empties `outcomes`. An outcome replaces one of the same id that still waits: so while the
  /// store is away, memory grows with the ids, not with their receipts.
  void add(std::vector<Outcome>& outcomes);

  /// Adds the transactions to begin now to `orders`. `flush`: touches go even if they are not due.
  void begin(Timestamp now, Timestamp cutoff, bool flush, std::vector<ApplyOrder>& orders);

  /// A transaction has ended. Returns the entries that it has resolved, or may have, some of them
  /// twice; valid until the next call.
  const std::vector<EntryIndex>& applied(std::uint64_t token, std::error_code error,
                                         const Applied& applied, Timestamp now);

  std::size_t outcomes_waiting() const { return waiting_.size() + outcomes_in_flight_; }
  std::size_t touches_waiting() const { return touches_.size() + touches_in_flight_; }
  bool up() const { return failures_ == 0; }
  const StuckRows& stuck() const { return stuck_; }
  bool idle() const { return outcomes_waiting() == 0 && touches_waiting() == 0; }

  /// Of all touches not yet committed: the oldest receipt, the first record.
  Timestamp oldest_touch() const;
  Sequence first_touch() const;

  Timestamp next_wake_at() const;

 private:
  struct Batch {
    std::uint64_t token = 0;
    Timestamp begun{};
    std::vector<Outcome> outcomes;
    TouchStage::Chunk chunk;
    bool in_turn = true;  // no chunk before this one has failed or is still under way
    bool each = false;    // as Changes::each
  };

  /// Rows tried again by themselves.
  struct Retry {
    std::uint64_t token = 0;
    Timestamp begun{};
    std::vector<ObjectId> ids;
    std::vector<Outcome> outcomes;
    std::vector<ObjectId> touched;
  };

  /// A row of a transaction that is being made, before sorting.
  struct Row {
    ObjectId id = 0;
    std::uint32_t outcome = 0;
  };

  bool has_room() const;
  ApplyOrder compose(Timestamp now, Timestamp cutoff, bool with_touches, bool flush);
  void take_outcomes(std::vector<Outcome>& taken);
  void add_outcomes(Changes& changes, const std::vector<Outcome>& outcomes);
  void add_outcome(Changes& changes, const Outcome& outcome) const;
  void add_touches(Changes& changes, const TouchStage::Chunk& chunk);
  void committed(Batch& batch, const Applied& applied, Timestamp now);
  void count(const Outcome& outcome, const Entry& entry, const Applied& applied, Timestamp now);
  void commit_touches(TouchStage::Chunk& chunk, const Applied& applied, Timestamp now);
  void commit_outcome(const Outcome& outcome, const Applied& applied, Timestamp now);
  void failed(std::error_code error, Batch& batch, Timestamp now);
  void put_back(Batch& batch);
  bool is_outdated(const Outcome& outcome) const;
  void hold_stuck(Changes& changes);
  void set_aside(const Refusal& refusal, const TouchStage::Chunk& chunk, Timestamp now);
  void keep(StuckRows::Row& row, Outcome outcome);
  void begin_retry(Timestamp now, Timestamp cutoff, std::vector<ApplyOrder>& orders);
  void retried(std::error_code error, const Applied& applied, Timestamp now);
  void give_up(StuckRows::Row& row, Timestamp now);
  void release(ObjectId id, Timestamp now);
  void put_back_touches(TouchStage::Chunk& chunk);
  void merge(const Outcome& outcome);
  void merge(Outcome& outcome, Outcome& kept);
  void recycle(std::vector<Outcome> outcomes);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  TouchStage touches_;
  Ring<Outcome> waiting_;         // an id's entry knows where its outcome stands
  std::vector<Batch> in_flight_;  // in the order of begin()
  std::vector<EntryIndex> resolved_;
  std::vector<std::vector<Outcome>> spare_;  // memory for transactions to come
  std::vector<Row> rows_, sort_memory_;
  std::size_t outcomes_in_flight_ = 0;
  std::size_t touches_in_flight_ = 0;
  std::uint64_t last_token_ = 0;
  std::uint64_t last_order_ = 0;
  int failures_ = 0;  // in a row
  Timestamp not_before_{};
  StuckRows stuck_;
  std::optional<Retry> retry_;  // under way
  Timestamp each_until_{};      // rows are told apart, since some have been refused
  std::size_t rows_max_;        // of a transaction; fewer while they take too long
};

}  // namespace postoffice::core
