// What one embeds: takes callbacks in, fetches every id, stores the answers, expires the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/options.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

/// One moment of a pipeline. Every field is of the same moment, and
///   accepted_ids = stored + merged + not_found + expired + dead + pending      (S8)
/// holds in it. Counters start at 0 with the process.
struct PipelineStatus {
  std::uint64_t accepted_callbacks = 0;
  std::uint64_t accepted_ids = 0;  ///< distinct ids of each callback, added up

  // How each accepted id ended.
  std::uint64_t stored = 0;
  std::uint64_t merged = 0;
  std::uint64_t not_found = 0;
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;
  std::uint64_t pending = 0;  ///< … or that it has not ended yet

  std::uint64_t fetches = 0;         ///< begun
  std::uint64_t fetch_failures = 0;  ///< ended without an answer (not_found is an answer)
  std::uint64_t fetches_in_flight = 0;
  std::uint64_t fetch_limit = 0;     ///< at most, at present: what the source is found to take
  std::uint64_t touches = 0;         ///< receipts written to rows (or found to have none)
  std::uint64_t deleted = 0;         ///< rows expired
  std::uint64_t carried = 0;         ///< ids carried forward
  std::uint64_t store_failures = 0;  ///< transactions that failed and were tried again

  /// Ids that wait in the queue alone, since there is no room for them among those that are worked
  /// on; since when there have been such, and the oldest receipt among them (both `now` without).
  std::uint64_t ids_in_queue_only = 0;
  Timestamp behind_since{};
  Timestamp oldest_in_queue_only{};

  std::uint64_t stuck_rows = 0;     ///< rows that cannot be written, while others can
  std::uint64_t stuck_deletes = 0;  ///< expired rows that cannot be deleted, while others can
  std::vector<StuckRow> stuck{};    ///< some of them, those that are so for longest
  Timestamp stuck_since = Timestamp::max();  ///< … and since when

  std::uint64_t known_ids = 0;        ///< ids in memory
  std::uint64_t touches_waiting = 0;  ///< ids whose receipt is not in the store yet
  std::uint64_t answers_waiting = 0;  ///< answers that are not in the store yet
  std::uint64_t retries_waiting = 0;  ///< ids in back-off
  bool source_open = false;  ///< the source is silent: one probe a second; false with none to ask
  bool store_up = true;      ///< the newest apply() and the newest expire() succeeded

  Timestamp watermark{};       ///< W of S6
  Timestamp oldest_pending{};  ///< receipt time of the longest waiting id; watermark if none
  Timestamp now{};
  QueueProgress queue;
  QueueStatistics queue_statistics;
};

/// Ties the five parts together. Everything it decides, it decides on the clock's thread.
///
/// Threads: all methods may be called from any thread, but, except for stop(), not from within a
/// part's method.
///
/// Lifetime: the parts are the caller's. How a pipeline ends:
///
/// * Stopped, and then destroyed. From the moment stop() is done the pipeline calls no part by
///   itself, and drops what still comes back from them: pipeline and parts may be destroyed in any
///   order that suits the parts among each other. Its methods still use clock and queue; call none
///   when those are gone.
/// * Destroyed without a stop: like a crash, nothing accepted is lost and the next run finishes it.
///   All parts must still be there; when the destructor returns, none is used any more, and they
///   may go in any order. A stop() or progress() that is not done by then never is.
///
/// The destructor may run on any thread, and inside what stop() and progress() are done with. It
/// waits for calls to and from the parts that are under way: so not from within a part's method, or
/// with a lock held that one takes.
///
/// Among each other the parts that come with the library go in any order in which the clock
/// outlives the file queue (or the broker's), and the event loop outlives clock, source and
/// PostgreSQL store.
class Pipeline {
 public:
  struct Parts {
    Clock& clock;
    Ingress& ingress;
    Queue& queue;
    ObjectSource& source;
    ObjectStore& store;
  };

  /// Throws std::invalid_argument for options that cannot work.
  Pipeline(Parts parts, PipelineOptions options = {}, Log log = {});
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Starts to accept, fetch and store. Whether the store or the source can be reached does not
  /// matter. An error is the ingress's (its address is in use, say). Once; after a stop() it fails
  /// with Error::stopped.
  std::error_code start();

  /// Stops in this order (S10): starts no fetch, awaits those in flight for at most drain_limit
  /// while callbacks are still accepted, stores the answers, stops accepting. What is left stays in
  /// the queue for the next run. `done` comes once, on the clock's thread, and may destroy the
  /// pipeline (not the clock). Calling stop() again, while it stops or afterwards, is fine: each
  /// `done` comes.
  void stop(std::function<void()> done);

  /// The same, waiting until it is done. The clock's thread must run, so call it on another one.
  void stop_and_wait();

  /// From now on instead of PipelineOptions::fetch_concurrency; with 0 no fetch begins. Those in
  /// flight beyond it go on.
  void set_fetch_concurrency(std::size_t fetches);

  PipelineStatus status() const;

  /// How far a callback is: pending until every id of it has ended (see PipelineStatus).
  enum class Progress { unknown, pending, applied };
  using ProgressDone = std::function<void(Progress)>;
  void progress(Receipt receipt, ProgressDone done) const;

 private:
  class Driver;
  std::shared_ptr<Driver> driver_;
};

}  // namespace postoffice
