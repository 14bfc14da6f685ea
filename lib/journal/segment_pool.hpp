// Files that will become segments: one spare is always kept ready, and old segments are reused.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/thread_annotations.hpp"
#include "journal/file_system.hpp"
#include "postoffice/defaults/file_queue.hpp"

namespace postoffice::journal {

inline constexpr char spare_name[] = "spare.ready";

/// Threads: claim_file() and settle_claim() from the one that flushes, make_spare() and release()
/// from the one that maintains.
class SegmentPool {
 public:
  struct Limits {
    std::uint64_t bytes_max = 0;       ///< of all files; 0: as many as the disk has
    std::uint64_t free_bytes_min = 0;  ///< left to others
  };

  using Now = std::function<std::chrono::steady_clock::time_point()>;

  /// `files` is how many segments there are already.
  SegmentPool(const Storage& storage, std::uint64_t segment_bytes, Limits limits, bool spare_ready,
              std::size_t files, Now now = std::chrono::steady_clock::now);

  struct Claim {
    std::unique_ptr<File> file;
    std::string name;
    bool fresh = false;  ///< all zeros
  };

  /// A file of segment size: the spare, or, while there is none, one made on the spot (not zeroed,
  /// so its first writes are slower). settle_claim() must follow.
  Result<Claim> claim_file();
  /// The file from claim_file() has become a segment, or has been removed after a failure; or
  /// claim_file() failed.
  void settle_claim(bool became_segment);

  /// claim_file() would be fast: there is a spare, or files are made quickly on this disk.
  bool can_give() const;

  bool wants_spare() const;
  /// Makes one, allocated, zeroed where that keeps it (see Reserve), and synced; gives up soon
  /// after `stopping`.
  std::error_code make_spare(const std::atomic<bool>& stopping);
  /// A segment that is no longer needed becomes the spare, or is removed. After an error it still
  /// exists.
  std::error_code release(const std::string& name, std::uint64_t size);

  bool has_spare() const;
  /// Another program has removed the spare.
  void forget_spare();
  /// Removes a spare that now shares its blocks (with a clone, a snapshot), so that another one is
  /// made. False if the spare is good, or there is none.
  bool drop_shared_spare();
  /// What the newest spare reserves for a full disk; nothing before there has been a spare.
  std::optional<Reserve> reserve() const;

  /// Asks the disk, for space(). Any thread; may take as long as the disk does.
  void look_at_disk();
  FileQueue::Space space() const;

  std::uint64_t bytes() const;
  std::uint64_t segment_bytes() const { return segment_bytes_; }

 private:
  enum class Spare { none, being_made, ready, claimed };

  std::size_t held() const REQUIRES(mutex_);
  bool may_grow() const EXCLUDES(mutex_);
  bool may_grow(std::uint64_t free) const REQUIRES(mutex_);
  bool within_limit(std::size_t more) const REQUIRES(mutex_);
  std::error_code write_zeros(const std::atomic<bool>& stopping);
  bool claim_spare();
  Result<Claim> make_on_the_spot();
  void set_spare(Spare spare);
  Reserve reserve_of(const std::string& name) const;
  void note_reserve(Reserve found);

  const Storage storage_;
  const std::uint64_t segment_bytes_;
  const Limits limits_;
  mutable Mutex mutex_;
  Spare spare_ GUARDED_BY(mutex_);
  std::size_t files_ GUARDED_BY(mutex_);
  std::size_t unplanned_ GUARDED_BY(mutex_) = 0;  ///< made on the spot, not a segment yet
  const Now now_;
  bool quick_ GUARDED_BY(mutex_) = false;  ///< the newest file was allocated quickly
  FileSystem::Space disk_ GUARDED_BY(mutex_){FileQueue::Space::unknown,
                                             FileQueue::Space::unknown};  ///< as last looked at
  std::optional<Reserve> reserve_ GUARDED_BY(mutex_);
  std::optional<Reserve> best_reserve_
      GUARDED_BY(mutex_);  ///< that any spare has had: what can be hoped for
};

}  // namespace postoffice::journal
