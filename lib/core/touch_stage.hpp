// Receipts on their way to the rows, and the low watermark that follows them.
#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/ledger.hpp"
#include "core/ring.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Ids whose newest receipt is to be written to their rows, in chunks of one transaction each.
///
/// A chunk remembers its oldest receipt and its first record. Until it is committed, the watermark
/// stays at or below that receipt (S6), and the queue keeps that record. Another receipt of an id
/// that still waits needs no place of its own, since the touch is built from the ledger when the
/// chunk is sent. But a chunk must hold that receipt, too: the chunk in which the id waits may be a
/// repetition, which holds nothing, or may hold only a newer receipt.
class TouchStage {
 public:
  struct Chunk {
    std::uint64_t number = 0;  // rises with each new one
    std::vector<EntryIndex> ids;
    Timestamp opened = Timestamp::max();
    Timestamp oldest = Timestamp::max();
    Sequence first = ~Sequence{0};
    std::vector<Touch> backlog;  // of a chunk of its own: see offer()
    bool empty() const { return ids.empty() && backlog.empty() && first == ~Sequence{0}; }
  };
  /// How touches of the backlog ended: all of an offer, or a part of it.
  struct BacklogEnded {
    std::vector<Touch> touches;
    std::vector<ObjectId> missing;
    bool last = true;  // nothing of the offer is left
  };

  TouchStage(Ledger& ledger, std::size_t rows_max, Duration delay)
      : ledger_(ledger), rows_max_(rows_max), delay_(delay) {}

  /// The id was received in record `sequence`.
  void add(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now);

  /// The id had no row when it was touched: it is touched again a second later, unless it has been
  /// resolved by then (S4).
  void add_missing(EntryIndex index, Timestamp now);

  /// Offers touches of ids that the ledger need not know (Backlog), sorted and distinct. They are
  /// sent when nothing else is due, or after several other chunks; they hold nothing. There is one
  /// offer at a time.
  void offer(std::vector<Touch> backlog) {
    assert(backlog_.empty() && backlog_under_way_ == 0);
    backlog_ = std::move(backlog);
  }
  void backlog_committed(Chunk chunk, std::vector<ObjectId> missing);
  std::optional<BacklogEnded> take_backlog_ended() {
    return std::exchange(backlog_ended_, std::nullopt);
  }

  /// The first chunk is as large as a transaction may be.
  bool full() const { return !chunks_.empty() && chunks_.front().ids.size() >= rows_max_; }

  /// A chunk is full, or its first touch has waited long enough, or the backlog has something.
  bool due(Timestamp now) const { return ready(now) || !backlog_.empty(); }
  Timestamp next_wake_at() const;

  /// Takes out the next chunk, to be followed by committed(), backlog_committed() or failed().
  /// `now`: chunks that are not due by then come after the backlog. If a chunk has more than
  /// `limit` ids, a part of it that holds the same.
  Chunk take_chunk(Timestamp now = Timestamp::max(), std::size_t limit = ~std::size_t{0});
  /// The touches of a chunk, sorted and distinct.
  std::vector<Touch> build(const Chunk& chunk);
  void committed(const Chunk& chunk);
  void failed(Chunk chunk);
  /// Returns the memory of a chunk that has ended, to be used again.
  void recycle(Chunk chunk);

  /// Moves ids whose second is over into a chunk: those that have waited longest, and at a time
  /// only as many as take a share of the store's capacity. So with very many ids a round takes
  /// longer than a second, but never the capacity that live rows need (docs/decisions/0034).
  void repeat_missing(Timestamp now);

  std::size_t size() const { return waiting_; }

  /// Of all chunks waiting; the caller adds those that were taken out.
  Timestamp oldest() const { return oldest_; }
  Sequence first() const { return first_; }

 private:
  struct Missing {
    EntryIndex index = no_entry;
    Timestamp due{};
  };

  Chunk& open_chunk(Timestamp now);
  void place(EntryIndex index, Chunk& chunk);
  void hold(const Chunk& chunk);
  bool ready(Timestamp now) const;
  void leave_rest(Chunk& chunk, std::size_t limit);
  Chunk take_backlog(std::size_t limit);
  void backlog_failed(const Chunk& chunk);

  Ledger& ledger_;
  std::size_t rows_max_;
  Duration delay_;
  std::deque<Chunk> chunks_;  // by their numbers
  std::uint64_t last_number_ = 0;
  Ring<Missing> missing_;
  Timestamp next_repeat_{};
  std::vector<Touch> backlog_;  // not under way
  std::size_t backlog_under_way_ = 0;
  std::optional<BacklogEnded> backlog_ended_;
  int ahead_of_backlog_ = 0;                    // chunks taken while it waited
  std::vector<std::vector<EntryIndex>> spare_;  // memory for chunks to come
  std::vector<Touch> sort_memory_;
  std::size_t waiting_ = 0;
  Timestamp oldest_ = Timestamp::max();  // of chunks_
  Sequence first_ = ~Sequence{0};
};

}  // namespace postoffice::core
