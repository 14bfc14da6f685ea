// What the threads of a file queue share, behind one mutex.
//
// The parts of a queue (appender, reader, flusher, backlog worker, maintainer, watcher) know this
// state, and nothing of each other, except for the calls that hand callbacks over. The mutex is
// never held during a system call or a completion, so a request for the status is answered even if
// the disk hangs. What only one thread touches is in its own part, guarded by its role.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/duration_bounds.hpp"
#include "base/duration_recorder.hpp"
#include "base/thread_annotations.hpp"
#include "journal/batch_buffer.hpp"
#include "journal/known_segments.hpp"
#include "journal/punctuality.hpp"
#include "journal/read_progress.hpp"
#include "journal/recovery.hpp"
#include "journal/segment_pool.hpp"
#include "journal/unread_memory.hpp"
#include "postoffice/defaults/file_queue.hpp"

namespace postoffice::journal {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Constants that every part may read.
struct Environment {
  const Storage storage;
  const FileQueueOptions options;
  Clock& clock;  ///< of receipt times
  const Log log;
  const std::function<SteadyTime()> now;  ///< by which the parts wait
  const std::chrono::microseconds flush_delay;
  const std::uint64_t queue;
  const std::uint64_t epoch;

  void say(LogLevel level, const std::string& message) const;
};

/// Where the backlog begins: behind `after`, in segment `number`, not before `offset`.
struct BacklogStart {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;
  Sequence after = 0;
};

/// The cursor on stable storage.
struct StoredCursor {
  Sequence acknowledged = 0;  ///< by this run
  Timestamp newest{};         ///< what was found at the start may go with the power: not counted
  bool stored = false;        ///< by this run
  bool removed = false;       ///< by somebody else, since
};

/// Segments that somebody removed although callbacks in them had not ended.
struct RemovedSegments {
  std::vector<Segment> missing;
  /// The segment that was active then: its content is written to a new file.
  std::optional<Segment> active;
  std::shared_ptr<File> active_file;
  SteadyTime next_write_back{};
};

/// Why an append would fail. In the order in which they are reported.
enum class Obstacle { none, directory, failure, overdue, buffer, first_file };

struct SharedState {
  SharedState(Environment given, const Recovered& recovered);

  const Environment env;
  SegmentPool pool;  ///< has a mutex of its own
  std::atomic<bool> stopping{false};

  Mutex mutex;
  ConditionVariable flush_wanted;
  ConditionVariable backlog_wanted;
  ConditionVariable maintenance_wanted;
  ConditionVariable watch_wanted;

  // Appended, not flushed.
  Timestamp newest GUARDED_BY(mutex);  ///< the newest time stamped or told
  Sequence last_stamped GUARDED_BY(mutex);
  BatchBuffer open GUARDED_BY(mutex);
  /// The flusher sleeps; while it works, it checks again by itself.
  bool flusher_waits GUARDED_BY(mutex) = false;

  // Flushed.
  std::error_code broken GUARDED_BY(mutex);  ///< why nothing can be flushed now
  Sequence last_durable GUARDED_BY(mutex);
  std::uint64_t accepted_ids GUARDED_BY(mutex);
  std::uint64_t accepted_callbacks GUARDED_BY(mutex);
  FileQueue::FlushStatus flush_status GUARDED_BY(mutex);
  DurationRecorder<> flush_durations GUARDED_BY(mutex){bounds::quick};
  Punctuality punctuality GUARDED_BY(mutex);
  KnownSegments segments GUARDED_BY(mutex);
  /// The active segment must not be used any longer, if it still is this one; 0: none.
  std::uint64_t spoilt_number GUARDED_BY(mutex) = 0;

  // To be read.
  UnreadMemory memory GUARDED_BY(mutex);
  Sequence in_memory GUARDED_BY(mutex);  ///< everything up to here has been in memory
  /// The segments hold something readable that memory does not.
  bool behind GUARDED_BY(mutex);
  /// Set each time that begins; the backlog worker takes it.
  std::optional<BacklogStart> backlog_start GUARDED_BY(mutex);
  ReadProgress progress GUARDED_BY(mutex);
  std::uint64_t lost_since GUARDED_BY(mutex) = 0;  ///< by damage that came after the start

  // Kept on the disk.
  StoredCursor cursor GUARDED_BY(mutex);
  /// The maintainer sleeps, and is to be woken for a cursor.
  bool cursor_idle GUARDED_BY(mutex) = false;
  DirectoryLock::State directory GUARDED_BY(mutex) = DirectoryLock::State::held;
  RemovedSegments removed GUARDED_BY(mutex);

  /// No receipt is stamped before a time that was reported to somebody.
  Timestamp tell_newest() REQUIRES(mutex);
  Timestamp frontier() REQUIRES(mutex);
  /// Records how far the writer is, and wakes the maintainer for a new segment.
  void note_segment(const JournalWriter& writer) REQUIRES(mutex);
  /// For another piece of the backlog.
  bool memory_has_room() const REQUIRES(mutex);
  Obstacle obstacle() REQUIRES(mutex);
  std::string describe(Obstacle obstacle) REQUIRES(mutex);
  /// What a person can do about it.
  std::string advise(Obstacle obstacle) const REQUIRES(mutex);
  std::chrono::microseconds overdue_for() REQUIRES(mutex);
};

}  // namespace postoffice::journal
