// Reads the files when memory could not hold everything that waits.
//
// Runs on the backlog worker's thread alone, which owns the open file and the place in it. While
// the queue is behind, the flusher puts nothing into memory; this part reads the segments piece by
// piece, as memory has room, up to the point that is durable. With the last piece the queue is no
// longer behind; both happen under the mutex, so that no callback is missed or comes twice.
// SharedState::backlog_start says where the flusher left off.
#pragma once

#include "journal/backlog_reader.hpp"
#include "journal/queue_thread.hpp"
#include "journal/reader.hpp"

namespace postoffice::journal {

class BacklogWorker final : public QueueThread {
 public:
  BacklogWorker(SharedState& state, Reader& reader);

 private:
  Next work() override REQUIRES(state_.mutex, thread_);
  BacklogReader::Piece read_piece(const Segment& segment) REQUIRES(thread_) EXCLUDES(state_.mutex);
  const Segment* segment() const REQUIRES(state_.mutex, thread_);
  std::vector<SequenceRange> take_in(BacklogReader::Piece piece, const Segment& read)
      REQUIRES(state_.mutex, thread_);
  void count_as_lost(const std::vector<SequenceRange>& missing) REQUIRES(state_.mutex);
  void say_lost(const std::vector<SequenceRange>& missing, const Segment& segment) const;

  Reader& reader_;
  BacklogReader backlog_ GUARDED_BY(thread_);
  SteadyTime next_attempt_ GUARDED_BY(thread_){};
  int failures_in_a_row_ GUARDED_BY(thread_) = 0;
};

}  // namespace postoffice::journal
