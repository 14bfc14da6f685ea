// Group commit: writes and syncs what was appended, and completes the appends.
//
// Runs on the flusher's thread alone. There is no timer: while one batch is written and synced the
// next one collects, so the disk sets the pace. A batch goes through these steps: it leaves the
// shared state (mutex), is written and synced by the writer (no mutex), is counted as durable
// (mutex), its senders are told (no mutex), and it becomes readable (mutex). After a failed write
// or sync, what is on the disk is unknown: the segment is never used again, its sequences are
// burned (they will never be read), and appends are refused until a new segment can be made.
#pragma once

#include "journal/queue_thread.hpp"
#include "journal/reader.hpp"

namespace postoffice::journal {

class Flusher final : public QueueThread {
 public:
  /// Tells `reader` when there is more to read.
  Flusher(SharedState& state, const Recovered& recovered, Reader& reader);

 private:
  Next work() override REQUIRES(state_.mutex, thread_);
  Next next_thing() REQUIRES(state_.mutex, thread_);
  void flush() REQUIRES(state_.mutex, thread_);
  void write_all_of_it() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void publish(const JournalWriter::Written& written, std::size_t from, SteadyTime begun)
      REQUIRES(thread_) EXCLUDES(state_.mutex);
  void complete(std::size_t from, std::size_t to, std::error_code error) REQUIRES(thread_)
      EXCLUDES(state_.mutex);
  void make_readable(const JournalWriter::Written& written, std::size_t from) REQUIRES(thread_)
      EXCLUDES(state_.mutex);
  void fail_flush(std::size_t from, std::error_code error) REQUIRES(thread_) EXCLUDES(state_.mutex);
  void probe() REQUIRES(state_.mutex, thread_);
  void refuse_open(std::error_code error) REQUIRES(state_.mutex, thread_);
  void set_broken(std::error_code error) REQUIRES(state_.mutex, thread_);
  bool leave_spoilt_segment() REQUIRES(state_.mutex, thread_);

  Reader& reader_;
  JournalWriter writer_ GUARDED_BY(thread_);
  BatchBuffer flushing_ GUARDED_BY(thread_);
  int failures_in_a_row_ GUARDED_BY(thread_) = 0;
  SteadyTime next_attempt_ GUARDED_BY(thread_){};
};

}  // namespace postoffice::journal
