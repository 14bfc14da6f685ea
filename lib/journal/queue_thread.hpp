// How a thread of a file queue works: one step after the other, asleep in between.
#pragma once

#include "journal/shared_state.hpp"

namespace postoffice::journal {

/// One of the four background threads; the parts derive from it. Tests have no threads and call
/// step() by hand. Either way one at a time is in the thread's role, and what is guarded by the
/// role needs no mutex.
///
/// No Mailbox: what a thread has to do is found in the state that all share, under its mutex, and a
/// thread that sleeps is told by a condition, which is all that a file queue has of a loop.
class QueueThread {
 public:
  virtual ~QueueThread() = default;

  /// Runs until a step says that it was the last one.
  void run() EXCLUDES(state_.mutex);
  /// One step. False if there is nothing to do now.
  bool step() EXCLUDES(state_.mutex);
  void wake_all() { wanted_.notify_all(); }

 protected:
  /// What follows a step: continue at once, sleep until woken or until `until`, or end.
  struct Next {
    enum class What { go_on, sleep, end };
    What what = What::go_on;
    SteadyTime until = SteadyTime::max();
  };

  QueueThread(SharedState& state, ConditionVariable& wanted) : state_(state), wanted_(wanted) {}

  /// A step begins and ends with the mutex held. Whether to sleep is decided since the mutex was
  /// last locked, so that no wake-up is lost.
  virtual Next work() REQUIRES(state_.mutex, thread_) = 0;

  SharedState& state_;
  ThreadRole thread_;

 private:
  ConditionVariable& wanted_;
};

}  // namespace postoffice::journal
