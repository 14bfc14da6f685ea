// Hands callbacks over to whoever reads, and takes acknowledgements.
//
// Runs on any thread: the reader's own, and that of whoever has just put something into memory (the
// flusher, the backlog worker), which calls deliver(). One at a time hands over; a completion may
// read again, from inside or from another thread, so whoever hands over goes on until nobody waits
// or nothing is there. Knows memory only; the backlog worker fills it from the files.
#pragma once

#include "journal/shared_state.hpp"

namespace postoffice::journal {

class Reader {
 public:
  explicit Reader(SharedState& state) : state_(state) {}

  void read(std::size_t ids_max, Queue::ReadDone done) EXCLUDES(state_.mutex);
  void acknowledge(Sequence up_to) EXCLUDES(state_.mutex);
  /// If somebody waits and something is there.
  void deliver() EXCLUDES(state_.mutex);
  /// A read that waits fails with Error::stopped.
  void stop() EXCLUDES(state_.mutex);

 private:
  SharedState& state_;
  Queue::ReadDone waiting_ GUARDED_BY(state_.mutex);
  std::size_t ids_max_ GUARDED_BY(state_.mutex) = 0;
  bool delivering_ GUARDED_BY(state_.mutex) = false;
};

}  // namespace postoffice::journal
