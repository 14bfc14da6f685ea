// The pipeline to embed: accepts callbacks, fetches every id, stores the answers, expires old rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/fetch_news.hpp"
#include "postoffice/histogram.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/options.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

/// From the start of a fetch to its end, by how it ended.
struct FetchDurations {
  Histogram answered;
  Histogram not_found;
  Histogram timeout;      ///< no answer within PipelineOptions::fetch_timeout
  Histogram unreachable;  ///< the request did not get there, or the connection broke
  Histogram refused;      ///< an answer that is of no use: an error, or malformed
};

/// Fetches that will be tried again, by what became of them.
struct FetchRetries {
  std::uint64_t timeout = 0;
  std::uint64_t unreachable = 0;
  std::uint64_t refused = 0;
};

/// Since when those ids in memory have been waiting that have waited longest, by what they wait for:
/// since their receipt, or for the store, since their answer came. All but `touch` are exact to a
/// quarter of a second. PipelineStatus::now if none waits.
struct OldestWaiting {
  Timestamp fetch{};    ///< its turn, or the source's answer
  Timestamp backoff{};  ///< the time of its next try
  Timestamp store{};    ///< the commit of its answer
  Timestamp touch{};    ///< the commit of its receipt, if it has a row
};

/// A snapshot of a pipeline. Every field is of the same moment, and
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
  std::uint64_t pending = 0;  ///< … or those that have not ended yet

  std::uint64_t fetches = 0;         ///< begun
  std::uint64_t fetch_failures = 0;  ///< ended without an answer (not_found is an answer)
  std::uint64_t fetches_in_flight = 0;
  std::uint64_t fetch_limit = 0;     ///< the concurrency limit: what the source is found to take
  std::uint64_t touches = 0;         ///< receipts written to rows (or found to have none)
  std::uint64_t deleted = 0;         ///< rows expired
  std::uint64_t carried = 0;         ///< ids requeued
  std::uint64_t store_failures = 0;  ///< transactions that failed and were tried again

  /// Ids that wait in the queue only, since there is no room for them in memory; since when there
  /// have been such ids, and the oldest receipt among them (both are `now` if there are none).
  std::uint64_t ids_in_queue_only = 0;
  Timestamp behind_since{};
  Timestamp oldest_in_queue_only{};

  std::uint64_t stuck_rows = 0;     ///< rows that cannot be written, while others can
  std::uint64_t stuck_deletes = 0;  ///< expired rows that cannot be deleted, while others can
  std::vector<StuckRow> stuck{};    ///< some of them, those stuck for longest
  Timestamp stuck_since = Timestamp::max();  ///< since when there have been any

  std::uint64_t known_ids = 0;        ///< ids in memory
  std::uint64_t touches_waiting = 0;  ///< ids whose receipt is not in the store yet
  std::uint64_t answers_waiting = 0;  ///< answers that are not in the store yet
  std::uint64_t retries_waiting = 0;  ///< ids in back-off
  OldestWaiting oldest_waiting{};

  FetchDurations fetch_durations{};
  FetchRetries fetch_retries{};
  Histogram store_transactions{};  ///< from their start to their commit
  /// From the oldest receipt that an answer was fetched for to the commit of its row. One for each
  /// id in `stored`.
  Histogram receipt_to_row{};

  bool source_open = false;  ///< the source's breaker is open: the source is silent, one probe a
                             ///< second; false with nothing to fetch
  bool store_up = true;      ///< the newest apply() and the newest expire() succeeded

  FetchNews fetch_news{};
  DeadLetterNews newest_dead{};

  Timestamp watermark{};       ///< W of S6
  Timestamp oldest_pending{};  ///< receipt time of the id that has waited longest; the watermark if
                               ///< none waits
  Timestamp now{};
  QueueProgress queue;
  QueueStatistics queue_statistics;

  /// The difference between the two sides of S8: 0, or something is wrong with this program.
  std::int64_t imbalance() const {
    return static_cast<std::int64_t>(accepted_ids - stored - merged - not_found - expired - dead -
                                     pending);
  }
};

/// Connects the five parts. It makes all its decisions on the clock's thread.
///
/// Threads: all methods may be called from any thread, but only stop() from within a part's method.
///
/// Lifetime: the parts are the caller's. How a pipeline ends:
///
/// * Stopped, and then destroyed. Once the `done` of stop() is called, the pipeline makes no calls
///   to the parts on its own and drops completions that still come: pipeline and parts may be
///   destroyed in any order that suits the parts among each other. Its methods still use clock and
///   queue; call none after those are destroyed.
/// * Destroyed without a stop: like a crash, nothing accepted is lost, and the next run finishes
///   it. All parts must still exist; after the destructor has returned, none is used, and they may
///   be destroyed in any order. A `done` of stop() or progress() that was not called by then is
///   never called.
///
/// The destructor may run on any thread, and inside the `done` of stop() and progress(). It waits
/// for calls to and from the parts that are under way, so it must not run within a part's method,
/// nor while holding a lock that such a method takes.
///
/// The parts that come with the library may be destroyed in any order in which the clock outlives
/// the file queue (or the broker's queue), and the event loop outlives clock, source and PostgreSQL
/// store.
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
  /// matter. An error is the ingress's (its address is in use, for example). Call it once; after a
  /// stop() it fails with Error::stopped.
  std::error_code start();

  /// Stops in this order (S10): starts no fetch, awaits those in flight for at most drain_limit
  /// while callbacks are still accepted, stores the answers, stops accepting. What is left stays in
  /// the queue for the next run. `done` is called once, on the clock's thread, and may destroy the
  /// pipeline (not the clock). stop() may be called again, during the stop or afterwards: each
  /// `done` is called.
  void stop(std::function<void()> done);

  /// The same, and waits until it is done. The clock's thread must run, so call this on another
  /// thread.
  void stop_and_wait();

  /// Replaces PipelineOptions::fetch_concurrency from now on; with 0 no fetch begins. Fetches in
  /// flight beyond the new limit continue.
  void set_fetch_concurrency(std::size_t fetches);

  /// Uses ttl, keep, fetch_timeout and drain_limit of `options` from now on; the other members are
  /// not used. What is stored lives by the new ttl at once: a shorter one deletes what is older,
  /// a longer one keeps whatever is not deleted yet. Fetches in flight keep their time limit, and a
  /// stop under way its own. Throws std::invalid_argument for options that cannot work.
  void change(const PipelineOptions& options);

  PipelineStatus status() const;

  /// The state of a callback: pending until each of its ids has ended (see PipelineStatus).
  enum class Progress { unknown, pending, applied };
  using ProgressDone = std::function<void(Progress)>;
  void progress(Receipt receipt, ProgressDone done) const;

 private:
  class Driver;
  std::shared_ptr<Driver> driver_;
};

}  // namespace postoffice
