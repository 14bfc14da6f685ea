// Every limit of the pipeline, with its default and unit. The options of the default parts are in
// their headers (postoffice/defaults/).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "postoffice/types.hpp"

namespace postoffice {

/// Which answers become rows.
enum class Keep {
  all,     ///< every object, with its online column
  online,  ///< online objects only: an offline answer removes the row
};

struct PipelineOptions {
  /// A row is deleted when nothing was received for it for longer than this.
  std::chrono::milliseconds ttl{30'000};

  Keep keep = Keep::all;

  /// Fetches unanswered at any time, at most. If the source takes fewer, the limit adapts to it.
  std::size_t fetch_concurrency = 1024;

  /// … and at the start. With the default a callback of 200 ids is fetched at once.
  std::size_t fetch_limit_first = 256;

  /// A fetch without an answer after this time has failed and is tried again.
  std::chrono::milliseconds fetch_timeout{10'000};

  /// Delay before the n-th retry: uniform between retry_min and min(retry_max, retry_min * 2^n).
  std::chrono::milliseconds retry_min{100};
  std::chrono::milliseconds retry_max{5'000};

  /// Tries before an id may become a dead letter.
  int attempts_min = 3;

  /// Ids that are being worked on (in line, in flight, waiting for a retry), at most. Further ones
  /// wait in the queue.
  std::size_t pending_ids_max = 500'000;

  /// Ids that wait in the queue alone and are remembered (8 bytes each), at most. Beyond this no
  /// callback is read until there is room again: new ones then wait for old ones.
  std::size_t waiting_ids_max = 16'000'000;

  /// Ids remembered for exact expiry; beyond this, expiry scans the store twice a second.
  std::size_t known_ids_max = 4'000'000;

  /// Rows in one transaction, at most.
  std::size_t batch_rows_max = 4'096;

  /// Transactions under way, at most, if each new one has batch_rows_max rows; of smaller ones
  /// there are two, and one while the store fails. More than two are for a store that completes
  /// transactions late (PostgresObjectStoreOptions::synchronous_commit).
  std::size_t full_batches_in_flight = 2;

  /// Receipts of stored objects are collected for this long, then written together (S4 allows 1 s).
  std::chrono::milliseconds touch_delay{100};

  /// An id unanswered for this long is requeued, so that its old record can be acknowledged.
  std::chrono::milliseconds carry_after{60'000};

  /// On stop, fetches in flight are awaited for at most this long.
  std::chrono::milliseconds drain_limit{5'000};

  /// For a store that several queues share: expire() is called at least this often, also when there
  /// is nothing to delete, so that the store learns this queue's watermark. 0: only as needed.
  std::chrono::milliseconds beat{0};

  /// Seed of the retry jitter; 0 takes one from the system.
  std::uint64_t seed = 0;
};

/// Throws std::invalid_argument for options that cannot work, as a Pipeline does.
void check(const PipelineOptions& options);

}  // namespace postoffice
