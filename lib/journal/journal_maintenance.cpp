// What nobody waits for: spare segments, the cursor, trimming.
#include <algorithm>

#include "journal/journal_queue.hpp"
#include "journal/make_durable.hpp"
#include "planted_bug.hpp"

namespace postoffice::journal {
namespace {

constexpr auto cursor_interval = std::chrono::milliseconds(200);
constexpr auto retry_interval = std::chrono::seconds(1);

}  // namespace

JournalQueue::Next JournalQueue::maintenance_step(Lock& lock) {
  if (stopping_) return {Next::What::end};
  lock.unlock();
  make_found_durable();
  trim();
  const bool made = make_spare();
  lock.lock();
  if (made) return {};
  const auto now = workers_.now();
  // The first one at once: later there may be no space for its file.
  const bool cursor = !cursor_stored_ || acknowledged_ != cursor_ ||
                      newest_ >= cursor_newest_ + options_.clock_interval;
  if (cursor && now >= next_cursor_) {
    lock.unlock();
    write_cursor();
    lock.lock();
    return {};
  }
  cursor_idle_ = !cursor;
  return {Next::What::sleep,
          cursor ? std::min(next_cursor_, now + retry_interval) : now + retry_interval};
}

void JournalQueue::make_found_durable() {
  if (not_durable_) {
    const std::lock_guard lock(mutex_);
    // Nothing in it waits any more: it may go, and be lost.
    if (acknowledged_ >= not_durable_->last) not_durable_.reset();
  }
  if (!not_durable_ || workers_.now() < next_make_durable_) return;
  next_make_durable_ = workers_.now() + retry_interval;
  if (!make_durable(storage_, *not_durable_)) return;
  not_durable_.reset();
  say(LogLevel::info, "what was found at the start is on the disk now");
}

/// Whether one was made.
bool JournalQueue::make_spare() {
  if (!pool_.wants_spare() || workers_.now() < next_spare_) return false;
  const auto error = pool_.make_spare(stopping_);
  if (error) next_spare_ = workers_.now() + retry_interval;
  return !error;
}

bool JournalQueue::write_cursor() {
  Cursor cursor;
  {
    const std::lock_guard lock(mutex_);
    const auto acknowledged = not_durable_ ? held_at_ : acknowledged_;
    cursor = {queue_, epoch_, acknowledged, last_durable_, newest_, next_number_};
    next_cursor_ = workers_.now() + cursor_interval;
  }
  const auto error = cursor_file_.store(cursor);
  const std::lock_guard lock(mutex_);
  if (error) {
    next_cursor_ = workers_.now() + retry_interval;
    return false;
  }
  cursor_stored_ = true;
  cursor_ = cursor.acknowledged;
  cursor_newest_ = cursor.newest;
  return true;
}

/// The only place where segments go. It looks at the cursor on stable storage, never at the newer
/// acknowledgement in memory.
void JournalQueue::trim() {
  for (;;) {
    Segment oldest;
    {
      const std::lock_guard lock(mutex_);
      if (segments_.empty()) return;
      oldest = segments_.front();
      const auto safe = planted(PlantedBug::trimmed_before_cursor) ? acknowledged_ : cursor_;
      if (oldest.header.number == active_number_ || oldest.last > safe) return;
      segments_.erase(segments_.begin());
    }
    const auto error = pool_.release(oldest.name, oldest.size);
    if (error) say(LogLevel::warning, "cannot release " + oldest.name + ": " + error.message());
  }
}

}  // namespace postoffice::journal
