// Seam: where accepted callbacks are kept until each of their ids has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice {

/// One callback as a read gives it. Its ids are `Delivery::ids[ids_begin, ids_end)`.
struct QueuedCallback {
  Sequence sequence = 0;
  Timestamp received_at{};
  std::uint32_t ids_begin = 0;
  std::uint32_t ids_end = 0;
  bool carried = false;  ///< requeued by this same run (see Queue::append)
  /// The sequence in the receipt of its append. It differs from `sequence` in a queue that returns
  /// records in another order than they were appended; 0 means `sequence`.
  Sequence receipt = 0;
};

/// Callbacks in rising sequence. The ids of each entry are sorted and distinct.
struct Delivery {
  std::vector<QueuedCallback> entries;
  std::vector<ObjectId> ids;
};

/// How far a queue has come, as its reader needs it. A snapshot of one moment.
struct QueueProgress {
  std::uint64_t queue = 0;  ///< Receipt::queue of every receipt this queue gives
  /// Every callback stamped before this time has been handed to a reader, and none will be stamped
  /// before it. With nothing waiting it is the clock's now(). If several publishers fill one queue,
  /// it goes back when a publisher is first heard whose clock is behind.
  Timestamp frontier{};
  /// The clock of the next run will not be behind this time, even if the machine's clock is (see
  /// Clock::not_before). Nothing is deleted that was received after it.
  Timestamp clock_floor = Timestamp::max();
  Sequence last_durable = 0;  ///< newest sequence on stable storage
  Sequence acknowledged = 0;  ///< everything up to here may be forgotten
  /// Back-pressure: the queue can hand over only a limited amount before it needs an
  /// acknowledgement up to here. Ids that prevent one should be requeued soon. 0: no need.
  Sequence acknowledge_target = 0;
  /// Distinct ids of each callback that this run made durable or found at its start, added up.
  /// Callbacks that this run requeued are not counted.
  std::uint64_t accepted_ids = 0;
  std::uint64_t accepted_callbacks = 0;
};

/// Further facts about a queue, for display only: the pipeline decides nothing by them.
struct QueueStatistics {
  Timestamp acknowledged_at{};  ///< receipt time of the oldest callback kept, or the frontier
  std::uint64_t bytes = 0;      ///< storage held
  bool writable = true;         ///< an append made now is expected to succeed
};

/// A durable, ordered queue of callbacks with one reader and cumulative acknowledgement.
///
/// Threads: append(), progress() and statistics() may be called from any thread; read() and
/// acknowledge() from one thread at a time. Completions run on any thread, possibly before the
/// method returns. No method throws.
class Queue {
 public:
  using AppendDone = std::function<void(std::error_code, Receipt)>;
  using ReadDone = std::function<void(std::error_code, Delivery)>;

  virtual ~Queue() = default;

  /// Stamps a callback with its receipt time and makes it durable. `ids` are copied before the
  /// method returns; they may be in any order, with duplicates, or none.
  ///
  /// Without error, `done` means: the callback survives kill -9 and power loss (S1), and a reader
  /// will get it, in this run or the next, but not before `done` was called. With an error the
  /// outcome is unknown: it may or may not be read later. Receipt times never decrease along the
  /// sequence (S2).
  ///
  /// `carried_from` requeues ids: they are appended again with that original receipt time, which is
  /// exempt from the order, so that their earlier record can be acknowledged. In the run that
  /// appended them they are read with QueuedCallback::carried and, as QueuedCallback::receipt, the
  /// sequence of this append's receipt.
  virtual void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                      AppendDone done) = 0;

  /// Hands over the next callbacks, at least one, at most about `ids_max` ids (a single callback
  /// may be larger). Waits until there is one. Only durable callbacks are read. One read at a time.
  /// A new run begins with the first callback that was not acknowledged.
  /// Fails with Error::stopped when the queue shuts down.
  virtual void read(std::size_t ids_max, ReadDone done) = 0;

  /// Nothing up to and including `up_to` is needed again. Cumulative. It need not be durable at
  /// once: acknowledgements lost in a crash only make callbacks be read again.
  virtual void acknowledge(Sequence up_to) = 0;

  virtual QueueProgress progress() const = 0;
  virtual QueueStatistics statistics() const = 0;
};

}  // namespace postoffice
