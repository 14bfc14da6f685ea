// The pipeline's decisions. Pure: events and the time go in, actions come out; nothing here does
// I/O, reads a clock, logs or blocks. docs/ARCHITECTURE.md tells the whole story.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "core/backlog.hpp"
#include "core/carried_records.hpp"
#include "core/counters.hpp"
#include "core/expiry_schedule.hpp"
#include "core/fetch_stage.hpp"
#include "core/ledger.hpp"
#include "core/store_stage.hpp"
#include "planted_bug.hpp"
#include "postoffice/options.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::core {

/// Ids to be appended to the queue again, with the receipt time they have.
struct CarryOrder {
  std::uint64_t token = 0;  // names it in carried()
  Timestamp received_at{};
  std::vector<ObjectId> ids;
};

/// What to do now, in this order.
struct Actions {
  std::vector<FetchOrder> fetches;
  std::vector<ApplyOrder> applies;
  std::optional<Expiry> expire;
  std::vector<CarryOrder> carries;
  std::optional<Sequence> acknowledge;
  bool read = false;  // more callbacks are welcome
  Timestamp wake = Timestamp::max();

  void clear();
};

/// Invariants, each tested:
///  I1  A record is acknowledged only when the touches of its ids are committed and each of its ids
///      has ended or waits with a later record.
///  I2  The watermark never passes the receipt of a touch that is not committed, nor the queue's
///      frontier.
///  I3  Rows are deleted only below watermark - ttl.
///  I4  delivered = stored + merged + not_found + expired + dead + pending.
///  I5  Whatever waits: a receipt that is delivered is in the next transaction but a few, if its id
///      is known (so that it may have a row) or it is among the newest; and an id that was never
///      tried is among the next fetches but a few, if it is among the newest. No callback is left
///      unread but for want of memory (waiting_ids_max).
class Dispatcher {
 public:
  Dispatcher(const PipelineOptions& options, std::uint64_t seed);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  void delivered(const Delivery& delivery, Timestamp now);
  void fetched(std::uint64_t token, const FetchResult& result, Timestamp now);
  void applied(std::uint64_t token, std::error_code error, const Applied& applied, Timestamp now);
  void expired(std::error_code error, const Expired& done, Timestamp now);
  /// `receipt`: the sequence that the receipt of the record that carries the ids names, without an
  /// error. Comes before that record is delivered (Queue::append).
  void carried(std::uint64_t token, std::error_code error, Sequence receipt, Timestamp now);

  /// From the next act() on instead of PipelineOptions::fetch_concurrency.
  void set_fetch_concurrency(std::size_t fetches) { options_.fetch_concurrency = fetches; }

  /// Begins no more fetches and writes what is waiting at once.
  void drain();

  /// `frontier` must have been read from the queue before the last delivered() was taken up. The
  /// watermark follows it down, too: a publisher was heard whose clock is behind.
  /// No row is deleted that was seen after `recorded`: the next run may begin that early, and must
  /// not find its receipts already expired.
  /// `crowded`: see QueueStatus.
  /// What is returned is the caller's to move from, until the next call.
  Actions& act(Timestamp now, Timestamp frontier, Timestamp recorded = Timestamp::max(),
               Sequence crowded = 0);

  const Counters& counters() const { return counters_; }
  const FetchStage& fetches() const { return fetches_; }
  const StoreStage& store() const { return store_; }
  /// Expired rows that the store does not delete.
  const StuckRows& stuck_deletes() const { return stuck_deletes_; }
  /// The newest transaction and the newest delete have worked.
  bool store_up() const { return store_.up() && expire_failures_ == 0; }
  std::size_t known_ids() const { return ledger_.size(); }
  std::size_t active_ids() const { return ledger_.active(); }
  /// Ids that wait in the queue alone, and the oldest receipt among them (max: there is none).
  std::size_t waiting_ids() const { return backlog_.ids() + away_ids_; }
  Timestamp oldest_waiting() const;
  /// Since when there have been some; max: there are none.
  Timestamp behind_since() const { return behind_since_; }
  Timestamp watermark() const { return watermark_; }
  Timestamp oldest_pending() const;

  /// A record up to `sequence` has been delivered and at least one id of exactly that record has
  /// not ended. Walks the unserved ids: for people, not for a hot path.
  bool pending(Sequence sequence) const;
  Sequence last_delivered() const { return last_delivered_; }

 private:
  struct Carry {
    Timestamp received_at;
    std::vector<ObjectId> ids;
    Sequence first;        // the record that must be kept until this one is durable
    bool waiting;          // the ids wait nowhere else; else they also stand in the ledger
    bool ordered = false;  // it is on its way
  };
  struct Mark {
    Timestamp when;
    Sequence sequence;
  };

  void receive(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  void make_wait(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  void take_up(const postoffice::Entry& entry, const Delivery& delivery, Timestamp now);
  void advance_watermark(Timestamp frontier);
  void return_carried(ObjectId id, Timestamp received_at, Sequence sequence);
  void return_waiting(const postoffice::Entry& entry, const Delivery& delivery, Timestamp now);
  void enter(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now,
             bool waited = false);
  bool must_wait(ObjectId id) const;
  bool overtaken(Timestamp received_at) const {
    return !backlog_.empty() && received_at < backlog_.newest();
  }
  bool room() const {
    const bool full =
        ledger_.unserved() >= options_.pending_ids_max || fetches_.first_attempts() >= line_;
    return !full || planted(PlantedBug::window_never_full);
  }
  void take_from_backlog(Timestamp now);
  void go_on_here(const Backlog::Receipt& receipt, Timestamp now);
  void learn(const TouchStage::BacklogEnded& ended, Timestamp now);
  void end_too_old();
  void note_behind(Timestamp now);
  void resolve(EntryIndex index);

  Duration sweep_pause() const;
  void take_refused(const Expired& done, Timestamp now);
  void sweep(Actions& actions, Timestamp now, Timestamp cutoff);
  Timestamp caught_up_watermark(Timestamp now);
  bool scan_due(Timestamp now, Timestamp cutoff);
  bool may_be_unwatched(Timestamp scanned) const;
  void unwatched(Timestamp last_receipt);
  void forget_oldest();
  void carry(Actions& actions, Timestamp now, Sequence crowded);
  void carry_aged(Timestamp now, Sequence crowded);
  void carry_waiting(Timestamp now, Sequence crowded);
  void acknowledge(Actions& actions);

  // Ids that were never tried stand in line so many, or twice as many as are fetched at a time if
  // that is more: enough for the source to be busy, few enough that all of them are touched in no
  // time and that an id in the middle has its turn soon. The others wait at eight bytes each.
  static constexpr std::size_t line_min = 65'536;

  PipelineOptions options_;
  Counters counters_;
  Ledger ledger_;
  FetchStage fetches_;
  StoreStage store_;
  ExpirySchedule expiry_;
  Actions actions_;  // the last ones; here, so that their memory is used again

  Timestamp watermark_{};
  Timestamp began_{};       // the first act()
  bool caught_up_ = false;  // the watermark has come so far
  Sequence last_delivered_ = 0;
  Sequence acknowledged_ = 0;
  bool draining_ = false;

  std::vector<ObjectId> expired_ids_;  // not yet deleted
  bool expire_in_flight_ = false;
  bool scan_in_flight_ = false;
  Timestamp next_sweep_{};
  Timestamp next_scan_{};
  Timestamp next_beat_{};
  Timestamp scan_cutoff_{};  // of the scan in flight
  Timestamp scanned_{};      // the cutoff of the last scan
  Timestamp oldest_left_{};  // no row that it left, and that nobody here watches, is older
  // Rows that nobody here watches were last received before this; not known before the first scan.
  Timestamp unwatched_until_ = Timestamp::max();
  int expire_failures_ = 0;  // in a row
  StuckRows stuck_deletes_;
  std::vector<ObjectId> tried_again_;  // of these, in the expire() under way

  Backlog backlog_;
  std::size_t line_ = line_min;  // at present
  Timestamp newest_in_line_{};
  bool more_to_take_ = false;
  Timestamp behind_since_ = Timestamp::max();

  std::map<std::uint64_t, Carry> carries_;
  CarriedRecords carried_;         // by receipt, on their way back: did the ids wait?
  std::multiset<Timestamp> away_;  // receipts of records with waiting ids that are not back
  std::size_t away_ids_ = 0;
  bool overtook_away_ = false;  // an older receipt went on here meanwhile
  std::uint64_t last_carry_ = 0;
  std::deque<Mark> marks_;  // where the queue stood, second by second
  Timestamp hurry_again_{};
};

}  // namespace postoffice::core
