// The threads of a file queue, and what they share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "codec/sliding_minimum.hpp"
#include "journal/backlog_reader.hpp"
#include "journal/batch_buffer.hpp"
#include "journal/cursor_file.hpp"
#include "journal/journal_writer.hpp"
#include "journal/recovery.hpp"
#include "journal/unread_memory.hpp"
#include "postoffice/defaults/file_queue.hpp"

namespace postoffice::journal {

/// What works in the background.
enum class Worker { flusher, backlog, maintainer, watcher };

/// By which time the workers wait, and who lets them work.
struct Workers {
  bool threads = true;  ///< one each; false: whoever owns the queue calls step()
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

/// FileQueue on any file system. One worker flushes, one reads the files when memory is behind,
/// one maintains: spare segments, the cursor, trimming; one watches the others, and whether the
/// files are still there. Everything shared is behind one mutex, which is never held during a
/// system call or a completion: whoever asks for the status is answered even if the disk answers
/// nobody.
class JournalQueue final : public Queue {
 public:
  static std::unique_ptr<JournalQueue> open(FileSystem& file_system, FileQueueOptions options,
                                            Clock& clock, std::error_code& error, Log log,
                                            Workers workers = {});
  ~JournalQueue() override;

  /// Without threads: lets a worker do the next thing. False if it has nothing to do now.
  bool step(Worker worker);

  /// What the destructor does; completions may still use the queue meanwhile. Once.
  void stop();

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              AppendDone done) override;
  void read(std::size_t ids_max, ReadDone done) override;
  void acknowledge(Sequence up_to) override;
  QueueStatus status() const override;

  const FileQueueRecovery& recovery() const noexcept { return recovery_; }
  FileQueue::FlushStatus flushes() const;
  std::uint64_t lost_records() const;
  std::string trouble() const;
  std::uint64_t at_risk() const;
  std::optional<Reserve> reserve() const { return pool_.reserve(); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// Sequences that never will be read: of failed batches, or lost before this run.
  struct Burned {
    Sequence first;
    Sequence last;
  };

  /// What a worker does after a step: go on at once, sleep until it is woken or `until`, or end.
  struct Next {
    enum class What { go_on, sleep, end };
    What what = What::go_on;
    SteadyTime until = SteadyTime::max();
  };

  JournalQueue(const Storage& storage, FileQueueOptions options, Clock& clock, Log log,
               Workers workers, std::unique_ptr<DirectoryLock> lock, Recovered recovered);

  static std::error_code make_directory(const Storage& storage);

  // Working. A step begins and ends with the lock held; what it says of sleeping, it has seen since
  // it took the lock last, so that no waking is lost.
  void run(Worker worker);
  Next step(Worker worker, Lock& lock);
  Next flush_step(Lock& lock);
  Next backlog_step(Lock& lock);
  Next maintenance_step(Lock& lock);
  Next watch_step(Lock& lock);
  void sleep(Worker worker, Lock& lock, SteadyTime until);
  std::condition_variable& wanted(Worker worker);

  // Appending.
  std::error_code refusal() const;
  void wake_flusher(Lock& lock);

  // Whether an append would succeed (journal_watch.cpp). In the order in which they are told.
  enum class Obstacle { none, directory, failure, overdue, buffer, first_file };
  Obstacle obstacle() const;
  std::string describe(Obstacle obstacle) const;
  std::chrono::microseconds overdue_for() const;
  void flush_ended(bool good);

  // Watching (journal_watch.cpp).
  void tell_turn(Lock& lock);
  void look_at_directory(Lock& lock);
  void look_at_active(Lock& lock);
  void look_at_names(Lock& lock);
  std::vector<Segment> waited_for_in_sealed() const;
  void note_missing(Lock& lock, const std::set<std::string>& names,
                    const std::vector<Segment>& before);
  bool leave_spoilt_segment(Lock& lock);
  void stamp(Entry& entry, std::optional<Timestamp> carried_from);

  // Flushing (journal_flush.cpp).
  void flush(Lock& lock);
  void publish(const JournalWriter::Written& written, std::size_t from,
               std::chrono::microseconds took);
  void complete(std::size_t from, std::size_t to, std::error_code error);
  void make_readable(const JournalWriter::Written& written, std::size_t from);
  void note_segment();
  void fail_flush(std::size_t from, std::error_code error);
  void probe(Lock& lock);
  void set_broken(std::error_code error);
  void burn(Sequence first, Sequence last);

  // Reading (journal_read.cpp).
  void deliver();
  void note_handed();
  const Segment* backlog_segment() const;
  std::vector<Burned> take_in(BacklogReader::Piece piece, const Segment& read);
  void find_missing(Sequence first, Sequence last, std::vector<Burned>& missing) const;
  Sequence past_burned(Sequence sequence) const;
  void settle();

  // Maintaining (journal_maintenance.cpp).
  void make_found_durable();
  void write_back_removed();
  bool make_spare();
  void check_reserve();
  void tell_reserve();
  bool write_cursor();
  void note_cursor_time(bool stored);
  void trim();
  void release(const std::string& name, std::uint64_t size);
  void release_again();

  void say(LogLevel level, const std::string& message) const;

  const Storage storage_;
  const FileQueueOptions options_;
  Clock& clock_;
  const Log log_;
  const Workers workers_;
  const FileQueueRecovery recovery_;
  const std::uint64_t queue_;
  const std::uint64_t epoch_;
  const std::uint64_t record_size_max_;

  mutable std::mutex mutex_;
  std::condition_variable flush_wanted_;
  std::condition_variable backlog_wanted_;
  std::condition_variable maintenance_wanted_;
  std::condition_variable watch_wanted_;
  std::atomic<bool> stopping_{false};

  // Stamping and appending.
  mutable Timestamp newest_;  // the newest time stamped or told
  Sequence last_stamped_;
  BatchBuffer open_;
  bool flusher_waits_ = false;

  // Flushing.
  SegmentPool pool_;
  JournalWriter writer_;  // the flusher's
  BatchBuffer flushing_;  // the flusher's
  bool broken_ = false;
  std::error_code broken_error_;
  int failures_in_a_row_ = 0;
  SteadyTime next_attempt_{};
  Sequence last_durable_;
  /// Since when the oldest append in open_, and the one that the flusher is at, has been waiting.
  std::optional<SteadyTime> open_since_;
  std::optional<SteadyTime> flushing_since_;
  std::optional<SteadyTime> cursor_since_;  ///< a cursor is being written
  SteadyTime last_flushed_{};
  /// A flush came too late for its callbacks, and none has been in time since.
  mutable bool overdue_ = false;
  std::uint64_t accepted_ids_ = 0;
  std::uint64_t accepted_callbacks_ = 0;
  FileQueue::FlushStatus flush_status_;

  // Reading.
  UnreadMemory memory_;
  bool behind_ = false;    // the segments hold something readable that memory does not
  BacklogReader backlog_;  // the backlog worker's, but while !behind_ the flusher's
  SteadyTime next_backlog_{};
  int backlog_failures_ = 0;  // in a row
  std::vector<Segment> segments_;
  std::uint64_t active_number_ = 0;
  std::shared_ptr<File> active_file_;
  std::uint64_t spoilt_number_ = 0;  ///< the active segment is to be left: this one
  std::uint64_t noted_number_ = 0;   // of the newest segment that segments_ has had
  std::uint64_t next_number_ = 0;
  ReadDone read_;
  std::size_t ids_max_ = 0;
  bool delivering_ = false;
  Sequence taken_;                       // given to a ReadDone …
  Sequence handed_;                      // … that has returned
  Sequence in_memory_;                   // everything up to here has been in memory
  std::deque<Burned> burned_;            // by rising sequence
  std::uint64_t lost_since_ = 0;         // by damage that came after the start
  codec::SlidingMinimum waiting_times_;  // of callbacks that were not handed over
  codec::SlidingMinimum kept_times_;     // of callbacks that were not acknowledged

  // Maintaining.
  Sequence acknowledged_;
  CursorFile cursor_file_;      // the maintainer's
  Sequence cursor_ = 0;         // the acknowledgement that is on stable storage, by this run
  Timestamp cursor_newest_{};   // and the time: what was found at the start may go with the power
  bool cursor_stored_ = false;  // by this run
  /// While it is not sure that this one survives a power cut, the cursor stays where it was found:
  /// what was acknowledged may rely on records in it.
  std::optional<Segment> not_durable_;
  Sequence held_at_;
  SteadyTime next_make_durable_{};
  bool cursor_idle_ = false;  // the maintainer sleeps, and is to be woken for a cursor
  SteadyTime next_cursor_{};
  SteadyTime next_spare_{};
  SteadyTime next_reserve_{};
  Reserve reserve_told_ = Reserve::kept;
  struct Unreleased {
    std::string name;
    std::uint64_t size;
  };
  std::vector<Unreleased> unreleased_;  ///< the maintainer's: could not be removed
  SteadyTime next_release_{};

  // Watching: the watcher's, but for what the others are told.
  std::unique_ptr<DirectoryLock> directory_lock_;
  DirectoryLock::State directory_ = DirectoryLock::State::held;
  SteadyTime next_look_{};
  SteadyTime next_listing_{};
  SteadyTime opened_at_{};
  Obstacle told_ = Obstacle::none;
  /// Segments that somebody removed although callbacks in them had not ended.
  std::vector<Segment> missing_;
  /// The one that was written to then: what is in it is written to a new file.
  std::optional<Segment> removed_;
  std::shared_ptr<File> removed_file_;
  SteadyTime next_write_back_{};
  bool cursor_removed_ = false;

  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace postoffice::journal
