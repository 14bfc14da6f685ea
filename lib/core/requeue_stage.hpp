// What waits in the queue instead of in memory, and what is appended to the queue once more.
//
// The queue (a journal on disk, or a broker) can only be trimmed from its front: as long as one id
// of an old record is not done with, that record and all after it stay. Memory, on the other hand,
// holds only so many ids that are being worked on. This stage deals with both limits, and uses the
// same means for both: it appends ids to the end of the queue again, with the receipt time that
// they have, and lets go of the old record once the new one is durable.
//
//  - *Aged* ids stand in memory, but have not been served for long (their source does not answer),
//    or the queue wants its room back (back-pressure, `acknowledge_target`). They stay in memory
//    while they are requeued; when the new record is read again it just takes the old one's place.
//  - *Overflow* is what found no room in memory. Of such an id only eight bytes are kept here, in
//    the Backlog; the receipt itself is in the queue alone. It enters as soon as there is room, the
//    newest first. If its record is in the way it is requeued, too, and then nothing at all is kept
//    in memory: its ids are *away* until the new record is read.
//
// What makes this delicate is the watermark, below which rows may be deleted. Each receipt is
// touched (written to the row of its id, if there is one) before it may go away, so nothing need
// hold the watermark for it. But touches of an id without a row write nothing. If an older receipt
// of the same id is meanwhile fetched and gets a row, that row is older than it should be, and
// would be deleted early. So once a receipt has entered that is older than one which is away, the
// watermark stands still until all of those are back, and each is touched once more.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <system_error>
#include <vector>

#include "core/backlog.hpp"
#include "core/counters.hpp"
#include "core/ledger.hpp"
#include "core/requeued_records.hpp"
#include "postoffice/options.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::core {

/// Ids to be appended to the queue again, with the receipt time they have.
struct RequeueOrder {
  std::uint64_t token = 0;  // names it in appended()
  Timestamp received_at{};
  std::vector<ObjectId> ids;
};

/// Where the queue stands.
struct QueuePosition {
  Sequence delivered = 0;     // up to here
  Sequence acknowledged = 0;  // up to here
  Sequence target = 0;        // the queue asks to be acknowledged up to here
  Sequence first_touch = 0;   // this record is kept for its touches anyway
};

/// Invariants:
///  - A record is kept (first()) until all its ids that wait have ended or stand in a later record
///    that is durable.
///  - An id of an overflow record is in exactly one place: the backlog, or a record that is away.
///  - While a receipt has entered that is older than one which is away, the watermark is frozen.
class RequeueStage {
 public:
  RequeueStage(Ledger& ledger, Counters& counters, const PipelineOptions& options)
      : ledger_(ledger), counters_(counters), options_(options) {}

  /// There is no room for this receipt: it waits in the queue.
  void overflow(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  /// The newest receipt that waits here; min: none does.
  Timestamp newest_overflow() const {
    return backlog_.empty() ? Timestamp::min() : backlog_.newest();
  }
  /// Takes out the newest, for which there is room now. There must be one.
  Backlog::Receipt take_overflow();
  /// What was taken out is going to be fetched: see the watermark.
  void entered(Timestamp received_at) {
    if (!away_.empty() && *away_.rbegin() > received_at) overtook_away_ = true;
  }
  /// What was received before then has ended as expired, if it has been touched.
  void expire(Timestamp before);

  /// Touches of overflow to be made next, sorted and distinct; empty while others are under way.
  std::vector<Touch> begin_touches();
  bool touching() const { return backlog_.touching(); }
  void end_touches() { backlog_.end_touches(); }

  /// Begins to requeue what is due. `drain`: nothing more is.
  void begin(Timestamp now, const QueuePosition& queue, bool drain,
             std::vector<RequeueOrder>& orders);
  /// An append has ended. `receipt`: the sequence that the receipt of the new record names. Comes
  /// before that record is delivered (Queue::append). Returns the entries that may have been
  /// resolved by it; valid until the next call.
  const std::vector<EntryIndex>& appended(std::uint64_t token, std::error_code error,
                                          Sequence receipt, Timestamp watermark, Timestamp now);
  /// A requeued record has been read again. Returns what appended() does.
  const std::vector<EntryIndex>& delivered(const QueuedCallback& entry, const Delivery& delivery,
                                           Timestamp watermark, Timestamp now);

  /// The first record that the queue must keep for what is here; max: none.
  Sequence first() const;
  /// The same, for overflow in memory alone.
  Sequence first_overflow() const { return backlog_.first(); }
  /// The oldest receipt here that is not touched yet: the watermark may not pass it.
  Timestamp hold() const { return backlog_.hold(); }
  /// The watermark may not rise at all.
  bool freezes_watermark() const { return overtook_away_; }

  /// Ids that wait in the queue alone, the oldest receipt among them (max: there is none), and
  /// since when there have been some (max: there are none).
  std::size_t ids() const { return backlog_.ids() + away_ids_; }
  Timestamp oldest() const;
  Timestamp behind_since() const { return behind_since_; }
  /// Memory in use, in ids.
  std::size_t size() const { return backlog_.size(); }
  /// Some receipt of exactly that record waits here.
  bool holds(Sequence sequence) const { return backlog_.holds(sequence); }

 private:
  enum class Kind { aged, overflow };

  /// A record on its way to the end of the queue.
  struct Append {
    Kind kind = Kind::aged;
    Timestamp received_at{};
    std::vector<ObjectId> ids;
    Sequence first = 0;  // the record that must be kept until this one is durable
  };
  struct Mark {
    Timestamp when;
    Sequence sequence;
  };

  void requeue_aged(Timestamp now, const QueuePosition& queue, std::vector<RequeueOrder>& orders);
  void requeue_overflow(Timestamp now, Sequence target, std::vector<RequeueOrder>& orders);
  Sequence aged_until(Timestamp now);
  void order(Append append, std::vector<RequeueOrder>& orders);
  void append_failed(Append append, Timestamp watermark, Timestamp now);
  void return_aged(std::span<const ObjectId> ids, Timestamp received_at, Sequence sequence);
  Timestamp back_from_away(Timestamp received_at, std::size_t ids, Timestamp watermark);
  void note_behind(Timestamp now);

  Ledger& ledger_;
  Counters& counters_;
  const PipelineOptions& options_;
  Backlog backlog_;
  std::map<std::uint64_t, Append> appends_;  // under way, by token
  RequeuedRecords requeued_;                 // not read again yet, by receipt: is it overflow?
  std::vector<EntryIndex> resolved_;
  std::multiset<Timestamp> away_;  // receipts of overflow records that are not back
  std::size_t away_ids_ = 0;
  bool overtook_away_ = false;  // a receipt has entered that is older than one of these
  std::uint64_t last_token_ = 0;
  std::deque<Mark> marks_;  // where the queue stood, second by second
  Timestamp hurry_again_{};
  Timestamp behind_since_ = Timestamp::max();
};

}  // namespace postoffice::core
