#include "journal/queue_thread.hpp"

namespace postoffice::journal {

void QueueThread::run() {
  const InRole role(thread_);
  const LockGuard lock(state_.mutex);
  for (;;) {
    const auto next = work();
    if (next.what == Next::What::end) return;
    if (next.what == Next::What::go_on) continue;
    if (next.until == SteadyTime::max())
      wanted_.wait(state_.mutex);
    else
      wanted_.wait_until(state_.mutex, next.until);
  }
}

bool QueueThread::step() {
  const InRole role(thread_);
  const LockGuard lock(state_.mutex);
  return work().what == Next::What::go_on;
}

}  // namespace postoffice::journal
