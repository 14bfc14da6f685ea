// What nobody waits for: spare segments, the cursor, trimming.
#include <algorithm>

#include "journal/journal_queue.hpp"
#include "journal/make_durable.hpp"
#include "planted_bug.hpp"

namespace postoffice::journal {
namespace {

constexpr auto cursor_interval = std::chrono::milliseconds(200);
constexpr auto retry_interval = std::chrono::seconds(1);
constexpr auto reserve_interval = std::chrono::seconds(5);

}  // namespace

JournalQueue::Next JournalQueue::maintenance_step(Lock& lock) {
  if (stopping_) return {Next::What::end};
  lock.unlock();
  make_found_durable();
  write_back_removed();
  trim();
  release_again();
  check_reserve();
  const bool made = make_spare();
  lock.lock();
  if (made) return {};
  const auto now = workers_.now();
  // The first one at once: later there may be no space for its file.
  // While flushes are overdue it shows whether they would be in time again.
  const bool cursor = !cursor_stored_ || overdue_ || acknowledged_ != cursor_ ||
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
  if (!error && !stopping_) tell_reserve();
  return !error;
}

/// Whoever clones or snapshots the queue takes a share in its blocks, and with it the reserve.
void JournalQueue::check_reserve() {
  if (workers_.now() < next_reserve_) return;
  next_reserve_ = workers_.now() + reserve_interval;
  if (pool_.drop_shared_spare()) return;  // the next one tells
  tell_reserve();
  std::shared_ptr<File> file;
  Segment active;
  {
    const std::lock_guard lock(mutex_);
    if (segments_.empty() || segments_.back().header.number != active_number_) return;
    file = active_file_;
    active = segments_.back();
  }
  if (!pool_.has_spare() || pool_.reserve() != Reserve::kept || file == nullptr) return;
  if (active.end >= options_.segment_bytes || file->reserve(active.end) != Reserve::none) return;
  const std::lock_guard lock(mutex_);
  spoilt_number_ = active.header.number;
}

/// One line whenever that changes, and at first if less is promised here than elsewhere.
void JournalQueue::tell_reserve() {
  const auto reserve = pool_.reserve();
  if (!reserve || *reserve == reserve_told_) return;
  reserve_told_ = *reserve;
  switch (*reserve) {
    case Reserve::kept: say(LogLevel::info, "space is held ahead for a full disk again"); break;
    case Reserve::first_write:
      say(LogLevel::info,
          "this file system copies what is written: of the space held ahead for a full disk each "
          "byte serves once");
      break;
    case Reserve::none:
      say(LogLevel::warning,
          "this file system copies what is written, or others share the queue's blocks: no space "
          "is held ahead, a full disk refuses callbacks at once");
      break;
    case Reserve::unknown:
      say(LogLevel::info,
          "this file system does not say whether space is held ahead for a full disk");
      break;
  }
}

bool JournalQueue::write_cursor() {
  Cursor cursor;
  {
    const std::lock_guard lock(mutex_);
    const auto acknowledged = not_durable_ ? held_at_ : acknowledged_;
    cursor = {queue_, epoch_, acknowledged, last_durable_, newest_, next_number_};
    next_cursor_ = workers_.now() + cursor_interval;
    if (std::exchange(cursor_removed_, false)) cursor_file_.make_anew();
    cursor_since_ = workers_.now();
  }
  const auto error = cursor_file_.store(cursor);
  const std::lock_guard lock(mutex_);
  note_cursor_time(!error);
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
    release(oldest.name, oldest.size);
  }
}

void JournalQueue::release(const std::string& name, std::uint64_t size) {
  const auto error = pool_.release(name, size);
  if (!error) return;
  say(LogLevel::warning, "cannot release " + name + ": " + error.message());
  if (unreleased_.empty()) next_release_ = workers_.now() + retry_interval;
  unreleased_.push_back({name, size});
}

/// What could not be removed is tried again, in silence until it goes.
void JournalQueue::release_again() {
  if (unreleased_.empty() || workers_.now() < next_release_) return;
  next_release_ = workers_.now() + retry_interval;
  std::erase_if(unreleased_, [this](const Unreleased& file) {
    if (pool_.release(file.name, file.size)) return false;
    say(LogLevel::info, "released " + file.name + " at last");
    return true;
  });
}

/// The segment that was written to when somebody removed it. Its file is still open, so nothing of
/// it has been lost yet.
void JournalQueue::write_back_removed() {
  Segment segment;
  std::shared_ptr<File> file;
  bool needed = false;
  {
    const std::lock_guard lock(mutex_);
    if (!removed_ || workers_.now() < next_write_back_) return;
    next_write_back_ = workers_.now() + retry_interval;
    needed = acknowledged_ < removed_->last;
    segment = *removed_;
    file = removed_file_;
  }
  if (needed && write_back(storage_, *file, segment)) return;
  {
    const std::lock_guard lock(mutex_);
    const auto same = [&](const Segment& other) {
      return other.header.number == segment.header.number;
    };
    for (auto& other : segments_) {
      if (same(other)) other.size = segment.size;
    }
    std::erase_if(missing_, same);
    removed_.reset();
    removed_file_.reset();
  }
  say(LogLevel::info,
      segment.name + (needed ? " is there again, with all that was in it"
                             : " is not needed: what was in it has ended, or was appended again"));
}

}  // namespace postoffice::journal
