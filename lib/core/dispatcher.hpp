// The pipeline's decisions: what is fetched, written, deleted, requeued and acknowledged, and when.
//
// Pure: events and the time go in, actions come out. Nothing here does I/O, reads a clock, logs or
// blocks, so a history of events always leads to the same actions (tests/simulation relies on
// that).
//
// Callbacks name ids. Each distinct id of a callback is a receipt, and each receipt is an
// obligation. The Dispatcher receives events and routes ids between five stages, which decide:
//
//   delivered ──► admission ──► FetchStage ──► StoreStage ──► resolved ──► acknowledged
//                    │   ▲          (fetch)        ▲ (write)
//                    │   └── RequeueStage          │
//                    │      (no room; too long)    │
//                    └─────► TouchStage ───────────┘       ExpireStage (delete)
//
// They share the Ledger, which knows every id in memory. The Dispatcher itself decides about
// admission (is there room in memory for this receipt?) and the two marks: the *watermark*, below
// which every receipt is on its row, and the *acknowledgement*, below which the queue may forget.
// docs/ARCHITECTURE.md tells the whole story.
#pragma once

#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "core/counters.hpp"
#include "core/expire_stage.hpp"
#include "core/fetch_stage.hpp"
#include "core/ledger.hpp"
#include "core/requeue_stage.hpp"
#include "core/store_stage.hpp"
#include "postoffice/options.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::core {

/// What to do now, in this order.
struct Actions {
  std::vector<FetchOrder> fetches;
  std::vector<ApplyOrder> applies;
  std::optional<Expiry> expire;
  std::vector<RequeueOrder> requeues;
  std::optional<Sequence> acknowledge;
  bool read = false;  // more callbacks are welcome
  Timestamp next_wake_at = Timestamp::max();

  void clear();
};

/// Invariants, each tested:
///  I1  A record is acknowledged only when the touches of its ids are committed and each of its ids
///      has ended or waits with a later record.
///  I2  The watermark never passes the receipt of a touch that is not committed, nor the queue's
///      frontier.
///  I3  Rows are deleted only below watermark - ttl.
///  I4  delivered = stored + merged + not_found + expired + dead + pending.
///  I5  However much waits: a delivered receipt is in one of the next few transactions, if its id
///      is known (so that it may have a row) or it is among the newest. An id that was never tried
///      is among the next few fetches, if it is among the newest. No callback is left unread except
///      for lack of memory (waiting_ids_max).
class Dispatcher {
 public:
  Dispatcher(const PipelineOptions& options, std::uint64_t seed);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  void delivered(const Delivery& delivery, Timestamp now);
  void fetched(std::uint64_t token, const FetchResult& result, Timestamp now);
  void applied(std::uint64_t token, std::error_code error, const Applied& applied, Timestamp now);
  void expired(std::error_code error, const Expired& done, Timestamp now);
  /// A RequeueOrder has ended. `receipt`: without an error, the sequence in the receipt of the new
  /// record. Comes before that record is delivered (Queue::append).
  void requeued(std::uint64_t token, std::error_code error, Sequence receipt, Timestamp now);

  /// Replaces PipelineOptions::fetch_concurrency from the next act() on.
  void set_fetch_concurrency(std::size_t fetches) { options_.fetch_concurrency = fetches; }

  /// Uses ttl, keep and fetch_timeout of `options` from the next act() on; deletes that were
  /// ordered before go by the ttl of then.
  void change(const PipelineOptions& options, Timestamp now);

  /// No more fetches begin, and what waits is written at once.
  void drain();

  /// `frontier` must have been read from the queue before the last delivered(). The watermark also
  /// follows it down, when a publisher is heard whose clock is behind. No row that was seen after
  /// `clock_floor` is deleted: the next run may begin at that time, and must not find its receipts
  /// already expired. `acknowledge_target`: see QueueProgress. The caller may move from the result,
  /// which is valid until the next call.
  Actions& act(Timestamp now, Timestamp frontier, Timestamp clock_floor = Timestamp::max(),
               Sequence acknowledge_target = 0);

  const Counters& counters() const { return counters_; }
  const FetchStage& fetches() const { return fetches_; }
  const StoreStage& store() const { return store_; }
  /// Expired rows that the store does not delete.
  const StuckRows& stuck_deletes() const { return expiry_.stuck(); }
  /// The newest transaction and the newest delete have succeeded.
  bool store_up() const { return store_.up() && expiry_.up(); }
  std::size_t known_ids() const { return ledger_.size(); }
  std::size_t active_ids() const { return ledger_.active(); }
  /// Ids that wait in the queue only, and the oldest receipt among them (max: there is none).
  std::size_t waiting_ids() const { return requeue_.ids(); }
  Timestamp oldest_waiting() const { return requeue_.oldest(); }
  /// Since when there have been some; max: there are none.
  Timestamp behind_since() const { return requeue_.behind_since(); }
  Timestamp watermark() const { return watermark_; }
  Timestamp oldest_pending() const;

  /// The oldest receipt of those that wait for each of these (WaitingAges::oldest).
  struct OldestWaiting {
    Timestamp fetch{};
    Timestamp backoff{};
    Timestamp store{};
    Timestamp touch{};
  };
  OldestWaiting oldest_by_cause();

  /// `sequence` has been delivered, and at least one id of exactly that record has not ended. Walks
  /// the unserved ids: for people, not for a hot path.
  bool pending(Sequence sequence) const;
  Sequence last_delivered() const { return last_delivered_; }

 private:
  void deliver_record(const QueuedCallback& entry, const Delivery& delivery, Timestamp now);
  void receive(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  void receive_without_room(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  void enter(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now,
             bool waited = false);
  bool must_wait(ObjectId id) const;
  bool overtaken(Timestamp received_at) const { return received_at < requeue_.newest_overflow(); }
  bool room() const {
    return ledger_.unserved() < options_.pending_ids_max && fetches_.first_attempts() < line_;
  }
  void admit_overflow(Timestamp now);
  void admit(const Backlog::Receipt& receipt, Timestamp now);
  void overflow_touched(const TouchStage::BacklogEnded& ended, Timestamp now);
  void end_too_old();
  void resolve(EntryIndex index);
  void resolve(const std::vector<EntryIndex>& indices);

  void offer_touches();
  void advance_watermark(Timestamp frontier);
  void acknowledge(Actions& actions);
  void check(Timestamp frontier) const;

  // The length of the line of ids that were never tried; twice the fetch limit if that is more. It
  // keeps the source busy, and is short enough that all its ids are touched quickly and one in the
  // middle has its turn soon. The others wait in the backlog, at eight bytes each.
  static constexpr std::size_t line_min = 65'536;

  PipelineOptions options_;
  Counters counters_;
  Ledger ledger_;
  FetchStage fetches_;
  StoreStage store_;
  ExpireStage expiry_;
  RequeueStage requeue_;
  Actions actions_;  // the last ones; here, so that their memory is used again

  Timestamp watermark_{};
  Sequence last_delivered_ = 0;
  Sequence acknowledged_ = 0;
  std::size_t line_ = line_min;  // at present
  Timestamp newest_in_line_{};
  bool more_to_admit_ = false;
  bool draining_ = false;
};

}  // namespace postoffice::core
