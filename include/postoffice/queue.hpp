// Seam: where accepted callbacks are kept until every id in them has been dealt with.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice {

/// One callback as a reader gets it. Its ids are `Delivery::ids[ids_begin, ids_end)`.
struct QueuedCallback {
  Sequence sequence = 0;
  Timestamp received_at{};
  std::uint32_t ids_begin = 0;
  std::uint32_t ids_end = 0;
  bool carried = false;  ///< carried forward by this very run (see Queue::append)
  /// The sequence that the receipt of its append named. A queue whose records come back in another
  /// order than they were appended in tells them apart; 0 stands for `sequence`.
  Sequence receipt = 0;
};

/// Callbacks in rising sequence. The ids of each entry are sorted and distinct.
struct Delivery {
  std::vector<QueuedCallback> entries;
  std::vector<ObjectId> ids;
};

/// How far a queue has come: what its reader goes by. One moment, taken atomically.
struct QueueProgress {
  std::uint64_t queue = 0;  ///< Receipt::queue of every receipt this queue gives
  /// Every callback stamped before this time has been handed to a reader, and none will be stamped
  /// before it. With nothing waiting it is the clock's now(). Where several publishers fill one
  /// queue it goes back when one is heard for the first time whose clock is behind.
  Timestamp frontier{};
  /// The clock of the next run will not be behind this time, even if the machine's is (see
  /// Clock::not_before). Nothing is deleted that was received after it.
  Timestamp clock_floor = Timestamp::max();
  Sequence last_durable = 0;  ///< newest sequence on stable storage
  Sequence acknowledged = 0;  ///< everything up to here may be forgotten
  /// Back-pressure: the queue can hand over only so much more before it wants an acknowledgement up
  /// to here. Ids that stand in the way are better carried forward soon. 0: no hurry.
  Sequence acknowledge_target = 0;
  /// Distinct ids of all callbacks made durable by, or found at the start of, this run. Carried
  /// callbacks of this run are not counted.
  std::uint64_t accepted_ids = 0;
  std::uint64_t accepted_callbacks = 0;
};

/// What is shown of a queue besides. Nothing is decided by it.
struct QueueStatistics {
  Timestamp acknowledged_at{};  ///< receipt time of the oldest callback kept, or the frontier
  std::uint64_t bytes = 0;      ///< storage held
  bool writable = true;         ///< an append made now is expected to succeed
};

/// A durable, ordered queue of callbacks with one reader and cumulative acknowledgement.
///
/// Threads: append(), progress() and statistics() may be called from any thread; read() and
/// acknowledge() from one thread at a time. Completions come from any thread, possibly before the
/// method returns. Nothing is thrown across the seam.
class Queue {
 public:
  using AppendDone = std::function<void(std::error_code, Receipt)>;
  using ReadDone = std::function<void(std::error_code, Delivery)>;

  virtual ~Queue() = default;

  /// Stamps a callback with its receipt time and makes it durable. `ids` are copied before the
  /// method returns; they may be in any order, with duplicates, or none.
  ///
  /// Without error, `done` means: it survives kill -9 and power loss (S1), and a reader will get
  /// it, in this run or the next, but not before `done` was called. With an error the outcome is
  /// unknown: it may or may not be read later. Receipt times never decrease along the sequence
  /// (S2).
  ///
  /// `carried_from` carries ids forward: they are appended again with that original receipt time,
  /// which is exempt from the order, so that what they came in can be acknowledged. In the run that
  /// appended them they come back with QueuedCallback::carried and, as QueuedCallback::receipt, the
  /// sequence of their receipt.
  virtual void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                      AppendDone done) = 0;

  /// Hands over the next callbacks, at least one, at most about `ids_max` ids (a single callback
  /// may be larger). Waits until there is one. Only durable callbacks are read. One read at a time.
  /// A new run begins with the first callback that was not acknowledged.
  /// Fails with Error::stopped when the queue shuts down.
  virtual void read(std::size_t ids_max, ReadDone done) = 0;

  /// Nothing up to and including `up_to` is needed again. Cumulative; need not be durable at once:
  /// what a crash forgets is read again.
  virtual void acknowledge(Sequence up_to) = 0;

  virtual QueueProgress progress() const = 0;
  virtual QueueStatistics statistics() const = 0;
};

}  // namespace postoffice
