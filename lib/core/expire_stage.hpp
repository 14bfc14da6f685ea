// Which rows are deleted when.
//
// A row lives for one ttl after the last receipt of its id. Deleting it too early loses something
// that is alive, and nothing repairs that before the next receipt; deleting it too late costs a
// little space. So everything here errs towards late.
//
// The stage asks the store for one delete at a time. Each names a cutoff, and the store removes
// only rows whose last receipt lies before it. The cutoff is never above
//  - the watermark less one ttl: receipts below the watermark are on their rows, so a row that
//    looks old there is old;
//  - nor above the clock floor, the oldest time that the next run of this process may begin at:
//    that run must not find its own first receipts already expired;
//  - and it stays at the beginning of time until the watermark has passed the moment at which this
//    process began. An earlier run may have forgotten ids while newer receipts of them were still
//    in the queue, and given one a row by an older receipt. Once all that the queue held at the
//    start is touched, the rows are right.
//
// There are two ways to find expired rows. Ids in memory are *watched*: a schedule tells when each
// comes due, and the delete lists them by key. Rows that nobody here watches were left by an
// earlier run, or their ids were forgotten for lack of memory. A *scan* of the table finds them.
// Scans are expensive. So each reports the oldest row that it left, and the next one waits until
// that row may be due; if there can be no unwatched rows, there is one scan per ttl.
//
// The ttl may change while rows live by it. A shorter one moves the cutoff ahead, and everything
// that is overdue by it is deleted at once. A longer one moves the cutoff back: what is not deleted
// yet lives on, and what is no longer watched is left to the scans.
//
// A row that the store will not delete (somebody has locked it, a constraint forbids it) is set
// aside and tried again by itself, later and later: nobody watches its id any more.
#pragma once

#include <optional>
#include <system_error>
#include <vector>

#include "core/counters.hpp"
#include "core/expiry_schedule.hpp"
#include "core/ledger.hpp"
#include "core/stuck_rows.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/options.hpp"

namespace postoffice::core {

/// Invariants:
///  - At most one delete is under way.
///  - Its cutoff is at most watermark - ttl (I3 of the Dispatcher) and at most the clock floor.
///  - A row that is not watched here was last received before `unwatched_until_`, or after the
///    cutoff of the last scan; and none of them is older than `oldest_left_`.
class ExpireStage {
 public:
  ExpireStage(Ledger& ledger, Counters& counters, const PipelineOptions& options)
      : ledger_(ledger), counters_(counters), options_(options), schedule_(ledger) {}

  /// The id may have a row: it is watched from now on, if it is not already.
  void watch(EntryIndex index) { schedule_.add(index); }

  /// The next delete, if one is due and none is under way.
  std::optional<Expiry> begin(Timestamp now, Timestamp watermark, Timestamp clock_floor);

  /// The delete has ended.
  void ended(std::error_code error, const Expired& done, Timestamp now);

  /// The newest delete has succeeded.
  bool up() const { return failures_ == 0; }
  /// Expired rows that the store does not delete.
  const StuckRows& stuck() const { return stuck_; }

  /// How often begin() is to be called.
  Duration pause() const;

 private:
  Timestamp cutoff_of(Timestamp now, Timestamp watermark, Timestamp clock_floor);
  void collect_expired(Timestamp now, Timestamp cutoff);
  void forget_oldest();
  Expiry compose(Timestamp cutoff) const;
  void look_back(Timestamp now, Timestamp cutoff);
  bool scan_due(Timestamp now, Timestamp cutoff);
  void scan_ended(const Expired& done, Timestamp now);
  bool may_be_unwatched(Timestamp scanned) const;
  void unwatched(Timestamp last_receipt);
  void take_refused(const Expired& done, Timestamp now);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  ExpirySchedule schedule_;
  std::vector<ObjectId> expired_;  // watched until now, and not yet deleted

  Timestamp began_{};       // the first begin()
  bool caught_up_ = false;  // the watermark has come so far
  bool under_way_ = false;
  int failures_ = 0;  // in a row
  Timestamp next_sweep_{};
  Timestamp next_beat_{};

  bool scanning_ = false;
  Timestamp next_scan_{};    // whatever the cutoff
  Timestamp collected_{};    // ids were taken off the schedule by this cutoff
  Timestamp cutoff_{};       // of the delete under way
  Timestamp scanned_{};      // the cutoff of the last scan
  Timestamp oldest_left_{};  // no row that it left, and that nobody here watches, is older
  // Rows that nobody here watches were last received before this; not known before the first scan.
  Timestamp unwatched_until_ = Timestamp::max();

  StuckRows stuck_;
  std::vector<ObjectId> tried_again_;  // of these, in the delete under way
};

}  // namespace postoffice::core
