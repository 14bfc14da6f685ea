// A queue in a directory: the journal. Format: docs/queue_format.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/histogram.hpp"
#include "postoffice/log.hpp"
#include "postoffice/queue.hpp"
#include "postoffice/result.hpp"

namespace postoffice {

struct FileQueueOptions {
  std::string directory;                     ///< created if missing (mode 0700)
  std::size_t segment_bytes = 64u << 20;     ///< preallocated size of a file
  std::size_t buffer_bytes_max = 16u << 20;  ///< appended and not yet flushed; more is refused
  std::size_t memory_bytes_max = 64u << 20;  ///< durable and not yet read, kept in memory
  std::uint64_t bytes_max = 0;               ///< all segments together; 0 = no limit but the disk
  /// Left free on the disk for others: below it no file is added, and existing ones are reused. By
  /// default a twentieth of the disk, at most 512 MiB.
  std::optional<std::uint64_t> free_bytes_min{};
  bool strict = false;  ///< refuse to open a damaged queue
  /// How often the time is recorded. The next run continues from the recorded time if the machine's
  /// clock was set back. Rows are deleted only up to it, so this should be well below the ttl.
  std::chrono::milliseconds clock_interval{5'000};
};

/// What opening found.
struct FileQueueRecovery {
  std::uint64_t callbacks = 0;  ///< not yet acknowledged, will be read again
  std::uint64_t ids = 0;
  std::uint64_t torn_bytes = 0;    ///< dropped from the end; no sender was told "accepted"
  std::uint64_t lost_records = 0;  ///< damaged records that had been durable
  std::vector<std::pair<Sequence, Sequence>> lost;  ///< which ones: first to last
  Timestamp newest{};                               ///< newest receipt time found
};

/// Group commit: appends collect while the disk is busy; one thread writes and flushes them as soon
/// as it is free. An append completes after fdatasync. After a failed write or flush the segment is
/// never written again and a new one is begun; appends fail until that succeeds.
///
/// Lifetime: the destructor is the stop. It flushes and completes what was appended, fails a
/// waiting read with Error::stopped, and then releases the lock. No completion runs after it has
/// returned; one that runs before may call the queue, and such calls fail with Error::stopped. Any
/// thread may destroy the queue, but not inside a completion, nor while holding a lock that a
/// completion takes. The clock must outlive it; all other parts may be destroyed before or after
/// it.
class FileQueue : public Queue {
 public:
  /// Opens or creates the queue and takes its lock. Recovers from every crash without help; calls
  /// clock.not_before() with the newest receipt time found. Errors: Error::locked,
  /// Error::corrupt (strict only), the system's.
  static Result<std::unique_ptr<FileQueue>> open(FileQueueOptions options, Clock& clock,
                                                 Log log = {});

  ~FileQueue() override = default;

  virtual const FileQueueRecovery& recovery() const noexcept = 0;

  /// Callbacks that had been durable and can no longer be read: found at the start, and since.
  virtual std::uint64_t lost_records() const = 0;

  struct FlushStatus {
    std::uint64_t flushes = 0;
    std::uint64_t flushed_bytes = 0;
    std::uint64_t failures = 0;
    std::chrono::microseconds last_flush{0};
    /// How long the oldest append has been waiting, once that exceeds the time a sender waits; 0 if
    /// all are in time.
    std::chrono::microseconds overdue{0};
  };
  virtual FlushStatus flushes() const = 0;

  /// How long flushes took that succeeded, with the writing before.
  virtual Histogram flush_durations() const = 0;

  /// Why an append made now is expected to fail, in words; empty while QueueStatistics::writable.
  /// Does not block while the disk does not respond.
  virtual std::string trouble() const = 0;
  /// What a person can do about it; empty while there is no trouble. Does not block either.
  virtual std::string advice() const = 0;

  /// Callbacks that have not ended and would not survive a crash, because their files were removed.
  virtual std::uint64_t at_risk() const = 0;

  /// What space is reserved in case the disk becomes full.
  enum class Reserve {
    not_yet,      ///< no spare file has been made yet
    kept,         ///< the rest of the newest file, and a spare one
    first_write,  ///< the same, but each byte can be written once only, as the file system copies
                  ///< on write
    none,         ///< nothing: a full disk refuses at once
    unknown       ///< the file system does not say
  };
  virtual Reserve reserve() const = 0;

  /// Room for the queue. What concerns the disk is as seen within the last seconds.
  struct Space {
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};  ///< or unlimited

    std::uint64_t disk_free = unknown;  ///< bytes that this process may still take
    std::uint64_t disk_size = unknown;
    std::uint64_t left_to_others = 0;  ///< of disk_free: FileQueueOptions::free_bytes_min
    std::uint64_t held = 0;            ///< bytes on the disk, spare files included
    std::uint64_t limit = unknown;     ///< bytes that it may hold at most at present
    bool growth_stopped = false;       ///< no file may be added: the disk or bytes_max forbids it
    /// … and the spare file is in use: when it is full callbacks are refused, unless a file has
    /// been released by then.
    bool spare_taken = false;
  };
  virtual Space space() const = 0;
};

}  // namespace postoffice
