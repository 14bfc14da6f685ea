#include "journal/maintainer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "journal/make_durable.hpp"

namespace postoffice::journal {
namespace {

constexpr auto cursor_interval = std::chrono::milliseconds(200);
constexpr auto retry_interval = std::chrono::seconds(1);
constexpr auto reserve_interval = std::chrono::seconds(5);

LogLevel level_of(Reserve reserve) {
  return reserve == Reserve::none ? LogLevel::warning : LogLevel::info;
}

const char* words_for(Reserve reserve) {
  switch (reserve) {
    case Reserve::kept: return "space is reserved for a full disk again";
    case Reserve::first_write:
      return "this file system copies on write: each byte of the space reserved for a full disk "
             "can be used once";
    case Reserve::none:
      return "this file system copies on write, or other files share the queue's blocks: no "
             "space is reserved, and on a full disk callbacks are refused at once";
    case Reserve::unknown: break;
  }
  return "this file system does not say whether space is reserved for a full disk";
}

}  // namespace

Maintainer::Maintainer(SharedState& state, const Recovered& recovered)
    : QueueThread(state, state.maintenance_wanted),
      cursor_file_(state.env.storage),
      held_at_(recovered.acknowledged) {
  if (!recovered.durable) not_durable_ = recovered.segments.back();
}

void Maintainer::finish() {
  const InRole role(thread_);
  if (write_cursor()) trim();
}

QueueThread::Next Maintainer::work() {
  if (state_.stopping) return {Next::What::end};
  bool made = false;
  {
    const Unlocked unlocked(state_.mutex);
    make_found_durable();
    write_back_removed();
    trim();
    release_again();
    check_reserve();
    made = make_spare();
  }
  if (made) return {};
  const auto now = state_.env.now();
  const bool cursor = wants_cursor();
  if (cursor && now >= next_cursor_) {
    const Unlocked unlocked(state_.mutex);
    write_cursor();
    return {};
  }
  state_.cursor_idle = !cursor;
  return {Next::What::sleep,
          cursor ? std::min(next_cursor_, now + retry_interval) : now + retry_interval};
}

/// The first one at once: later there may be no space for its file. While flushes are overdue it
/// shows whether they would be in time again.
bool Maintainer::wants_cursor() const {
  return !state_.cursor.stored || state_.punctuality.overdue() ||
         state_.progress.acknowledged() != state_.cursor.acknowledged ||
         state_.newest >= state_.cursor.newest + state_.env.options.clock_interval;
}

void Maintainer::make_found_durable() {
  if (not_durable_) {
    const LockGuard lock(state_.mutex);
    // Nothing in it waits any more: it may go, and be lost.
    if (state_.progress.acknowledged() >= not_durable_->last) not_durable_.reset();
  }
  const auto& env = state_.env;
  if (!not_durable_ || env.now() < next_make_durable_) return;
  next_make_durable_ = env.now() + retry_interval;
  if (!make_durable(env.storage, *not_durable_)) return;
  not_durable_.reset();
  env.say(LogLevel::info, "what was found at the start is durable now");
}

/// Whether one was made.
bool Maintainer::make_spare() {
  auto& pool = state_.pool;
  if (!pool.wants_spare() || state_.env.now() < next_spare_) return false;
  const auto error = pool.make_spare(state_.stopping);
  if (error) next_spare_ = state_.env.now() + retry_interval;
  if (!error && !state_.stopping) tell_reserve();
  return !error;
}

/// Whoever clones or snapshots the queue takes a share in its blocks, and with it the reserve.
void Maintainer::check_reserve() {
  const auto& env = state_.env;
  if (env.now() < next_reserve_) return;
  next_reserve_ = env.now() + reserve_interval;
  auto& pool = state_.pool;
  if (pool.drop_shared_spare()) return;  // the next one tells
  tell_reserve();
  std::shared_ptr<File> file;
  Segment active;
  {
    const LockGuard lock(state_.mutex);
    if (state_.segments.active() == nullptr) return;
    file = state_.segments.active_file();
    active = *state_.segments.active();
  }
  if (!pool.has_spare() || pool.reserve() != Reserve::kept || file == nullptr) return;
  if (active.end >= env.options.segment_bytes || file->reserve(active.end) != Reserve::none) return;
  const LockGuard lock(state_.mutex);
  state_.spoilt_number = active.header.number;
}

/// One line whenever that changes, and at first if less is promised here than elsewhere.
void Maintainer::tell_reserve() {
  const auto reserve = state_.pool.reserve();
  if (!reserve || *reserve == reserve_told_) return;
  reserve_told_ = *reserve;
  state_.env.say(level_of(*reserve), words_for(*reserve));
}

bool Maintainer::write_cursor() {
  const auto& env = state_.env;
  Cursor cursor;
  {
    const LockGuard lock(state_.mutex);
    const auto acknowledged = not_durable_ ? held_at_ : state_.progress.acknowledged();
    assert(acknowledged >= state_.cursor.acknowledged);
    cursor = {env.queue,           env.epoch,     acknowledged,
              state_.last_durable, state_.newest, state_.segments.next_number()};
    next_cursor_ = env.now() + cursor_interval;
    if (std::exchange(state_.cursor.removed, false)) cursor_file_.make_anew();
    state_.punctuality.cursor_begins(env.now());
  }
  const auto error = cursor_file_.store(cursor);
  const LockGuard lock(state_.mutex);
  state_.punctuality.cursor_ended(!error, env.now());
  if (error) {
    next_cursor_ = env.now() + retry_interval;
    return false;
  }
  state_.cursor.stored = true;
  state_.cursor.acknowledged = cursor.acknowledged;
  state_.cursor.newest = cursor.newest;
  return true;
}

/// The only place where segments go. It looks at the cursor on stable storage, never at the newer
/// acknowledgement in memory.
void Maintainer::trim() {
  for (;;) {
    Segment oldest;
    {
      const LockGuard lock(state_.mutex);
      const auto* segment = state_.segments.releasable(state_.cursor.acknowledged);
      if (segment == nullptr) return;
      oldest = *segment;
      state_.segments.remove_oldest();
    }
    release(oldest);
  }
}

void Maintainer::release(const Segment& segment) {
  const auto error = state_.pool.release(segment.name, segment.size);
  if (!error) return;
  state_.env.say(LogLevel::warning, "cannot release " + segment.name + ": " + error.message());
  if (unreleased_.empty()) next_release_ = state_.env.now() + retry_interval;
  unreleased_.push_back({segment.name, segment.size});
}

/// What could not be removed is tried again, in silence until it goes.
void Maintainer::release_again() {
  if (unreleased_.empty() || state_.env.now() < next_release_) return;
  next_release_ = state_.env.now() + retry_interval;
  std::erase_if(unreleased_, [this](const Unreleased& file) {
    if (state_.pool.release(file.name, file.size)) return false;
    state_.env.say(LogLevel::info, "released " + file.name);
    return true;
  });
}

/// The segment that was written to when somebody removed it. Its file is still open, so nothing of
/// it has been lost yet.
void Maintainer::write_back_removed() {
  const auto& env = state_.env;
  Segment segment;
  std::shared_ptr<File> file;
  bool needed = false;
  {
    const LockGuard lock(state_.mutex);
    auto& removed = state_.removed;
    if (!removed.active || env.now() < removed.next_write_back) return;
    removed.next_write_back = env.now() + retry_interval;
    needed = state_.progress.acknowledged() < removed.active->last;
    segment = *removed.active;
    file = removed.active_file;
  }
  if (needed && write_back(env.storage, *file, segment)) return;
  {
    const LockGuard lock(state_.mutex);
    auto& removed = state_.removed;
    state_.segments.set_size(segment);
    std::erase_if(removed.missing,
                  [&](const Segment& other) { return same_number(other, segment); });
    removed.active.reset();
    removed.active_file.reset();
  }
  env.say(LogLevel::info, segment.name + (needed ? " is restored, with everything that was in it"
                                                 : " is not needed: its callbacks have ended, or "
                                                   "were appended again"));
}

}  // namespace postoffice::journal
