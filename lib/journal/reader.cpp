#include "journal/reader.hpp"

#include <cassert>
#include <utility>

#include "postoffice/error.hpp"

namespace postoffice::journal {

void Reader::read(std::size_t ids_max, Queue::ReadDone done) {
  bool stopped = false;
  {
    const LockGuard lock(state_.mutex);
    stopped = state_.stopping;
    if (!stopped) {
      ids_max_ = ids_max;
      waiting_ = std::move(done);
    }
  }
  if (stopped) return done(Error::stopped, {});
  deliver();
}

void Reader::deliver() {
  const LockGuard lock(state_.mutex);
  while (waiting_ && !delivering_ && !state_.memory.empty()) {
    delivering_ = true;
    auto done = std::exchange(waiting_, nullptr);
    Delivery delivery = state_.memory.pop(ids_max_);
    state_.progress.begin_handing(delivery.entries.back().sequence);
    if (state_.behind && state_.memory_has_room()) state_.backlog_wanted.notify_one();
    {
      const Unlocked unlocked(state_.mutex);
      done({}, std::move(delivery));
      done = nullptr;
    }
    assert(delivering_);
    delivering_ = false;
    state_.progress.note_handed();
  }
}

void Reader::acknowledge(Sequence up_to) {
  const LockGuard lock(state_.mutex);
  if (!state_.progress.acknowledge(up_to)) return;
  // If it waits for the time of its next cursor, it will see this acknowledgement, too.
  if (std::exchange(state_.cursor_idle, false)) state_.maintenance_wanted.notify_one();
}

void Reader::stop() {
  Queue::ReadDone waiting;
  {
    const LockGuard lock(state_.mutex);
    waiting = std::exchange(waiting_, nullptr);
  }
  if (waiting) waiting(Error::stopped, {});
}

}  // namespace postoffice::journal
