// Hands callbacks over to the reader, and takes acknowledgements.
//
// Runs on any thread: the reader's own, and the one that has just put something into memory
// (flusher or backlog worker), which calls deliver(). One thread at a time hands over. A completion
// may read again, from inside or from another thread, so the thread that hands over continues until
// nobody waits or nothing is left. This part knows memory only; the backlog worker fills it from
// the files.
#pragma once

#include "journal/shared_state.hpp"

namespace postoffice::journal {

class Reader {
 public:
  explicit Reader(SharedState& state) : state_(state) {}

  void read(std::size_t ids_max, Queue::ReadDone done) EXCLUDES(state_.mutex);
  void acknowledge(Sequence up_to) EXCLUDES(state_.mutex);
  /// Hands over, if a read waits and there is something to read.
  void deliver() EXCLUDES(state_.mutex);
  /// Fails a waiting read with Error::stopped.
  void stop() EXCLUDES(state_.mutex);

 private:
  SharedState& state_;
  Queue::ReadDone waiting_ GUARDED_BY(state_.mutex);
  std::size_t ids_max_ GUARDED_BY(state_.mutex) = 0;
  bool delivering_ GUARDED_BY(state_.mutex) = false;
};

}  // namespace postoffice::journal
