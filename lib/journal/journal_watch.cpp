// Whether an append would succeed, and whether the queue's files are still there.
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "journal/journal_queue.hpp"
#include "planted_bug.hpp"

namespace postoffice::journal {
namespace {

/// A sender is kept waiting no longer (S9), so a flush that takes longer serves nobody.
constexpr std::chrono::microseconds limit = std::chrono::milliseconds(800);
constexpr auto look_interval = std::chrono::milliseconds(250);
constexpr auto listing_interval = std::chrono::seconds(1);
/// The first file may take as long without being a line in the log.
constexpr auto patience_at_start = std::chrono::seconds(1);

std::string in_seconds(std::chrono::microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

}  // namespace

/// How long the oldest append, or what shows the same of the disk, has been under way; 0 while that
/// is in time.
std::chrono::microseconds JournalQueue::overdue_for() const {
  const auto now = workers_.now();
  SteadyTime oldest = now;
  for (const auto& since : {open_since_, flushing_since_}) {
    if (since) oldest = std::min(oldest, *since);
  }
  // A cursor may wait for other things than the disk, so appends that are in time outweigh it.
  if (cursor_since_ && last_flushed_ < *cursor_since_) oldest = std::min(oldest, *cursor_since_);
  const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - oldest);
  if (age <= limit) return {};
  overdue_ = true;
  return age;
}

/// Of whatever the flusher did. What came too late keeps the queue from being writable until
/// something has been in time.
void JournalQueue::flush_ended(bool good) {
  const bool late = overdue_for() > std::chrono::microseconds{};
  if (!good) return;
  last_flushed_ = workers_.now();
  if (!late) overdue_ = false;
}

void JournalQueue::note_cursor_time(bool stored) {
  const bool late = overdue_for() > std::chrono::microseconds{};
  cursor_since_.reset();
  if (stored && !late) overdue_ = false;
}

JournalQueue::Obstacle JournalQueue::obstacle() const {
  if (directory_ != DirectoryLock::State::held) return Obstacle::directory;
  if (broken_) return Obstacle::failure;
  (void)overdue_for();
  if (overdue_ && !planted(PlantedBug::overdue_not_noticed)) return Obstacle::overdue;
  if (open_.bytes.size() > options_.buffer_bytes_max) return Obstacle::buffer;
  if (active_number_ == 0 && !pool_.can_give()) return Obstacle::first_file;
  return Obstacle::none;
}

std::string JournalQueue::describe(Obstacle obstacle) const {
  switch (obstacle) {
    case Obstacle::none: break;
    case Obstacle::directory:
      return directory_ == DirectoryLock::State::shared
                 ? "another process has taken the lock of " + storage_.directory
                 : storage_.directory + " was moved, or something else is in its place; put it " +
                       "back, or restart";
    case Obstacle::failure: return "no callback can be made durable: " + broken_error_.message();
    case Obstacle::overdue: {
      const auto age = overdue_for();
      if (age.count() > 0) return "the disk does not answer: a flush takes " + in_seconds(age);
      return "the disk is slow: flushes came later than the " + in_seconds(limit) +
             " that a sender waits";
    }
    case Obstacle::buffer: return "more callbacks wait for the disk than are kept in memory";
    case Obstacle::first_file: return "the first file of the queue is not there yet";
  }
  return {};
}

std::string JournalQueue::trouble() const {
  const std::lock_guard lock(mutex_);
  return describe(obstacle());
}

std::uint64_t JournalQueue::at_risk() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t callbacks = 0;
  for (const auto& segment : missing_) {
    const auto before = std::max(acknowledged_, segment.header.first_sequence - 1);
    if (segment.last > before) callbacks += segment.last - before;
  }
  return callbacks;
}

JournalQueue::Next JournalQueue::watch_step(Lock& lock) {
  if (stopping_) return {Next::What::end};
  const auto now = workers_.now();
  if (now < next_look_) return {Next::What::sleep, next_look_};
  next_look_ = now + look_interval;
  tell_turn(lock);  // first: what follows asks the disk
  look_at_directory(lock);
  // What is in a directory that was moved may come back with it.
  if (directory_ != DirectoryLock::State::held) return {};
  look_at_active(lock);
  if (now >= next_listing_) {
    next_listing_ = now + listing_interval;
    look_at_names(lock);
  }
  return {};
}

/// One line when callbacks begin to be refused, one when that is over. A failure has had its line
/// already.
void JournalQueue::tell_turn(Lock& lock) {
  const auto found = obstacle();
  const bool young =
      found == Obstacle::first_file && workers_.now() < opened_at_ + patience_at_start;
  if ((found == Obstacle::none) == (told_ == Obstacle::none) || young) return;
  told_ = found;
  const auto words = describe(found);
  lock.unlock();
  if (found == Obstacle::none)
    say(LogLevel::info, "callbacks can be made durable again");
  else if (found != Obstacle::failure)
    say(LogLevel::error, "callbacks are refused: " + words);
  lock.lock();
}

/// A directory that is gone is made anew; one that is somewhere else may come back, so it is waited
/// for.
void JournalQueue::look_at_directory(Lock& lock) {
  using State = DirectoryLock::State;
  lock.unlock();
  auto state = directory_lock_->look();
  std::error_code error;
  if (state == State::removed) {
    error = make_directory(storage_);
    auto again = error ? nullptr : storage_.file_system.lock(storage_.directory, error);
    if (again) {
      directory_lock_ = std::move(again);
      say(LogLevel::error, storage_.directory + " was removed under this process: made anew");
      state = State::held;
    }
  }
  lock.lock();
  directory_ = state;
}

void JournalQueue::look_at_active(Lock& lock) {
  if (segments_.empty() || segments_.back().header.number != active_number_) return;
  const auto segment = segments_.back();
  const auto file = active_file_;
  lock.unlock();
  const bool there = file->is_at(storage_.path(segment.name));
  lock.lock();
  if (there || active_number_ != segment.header.number) return;
  if (planted(PlantedBug::removed_segment_written_on)) return;
  spoilt_number_ = active_number_;
  removed_file_ = file;
  wake_flusher(lock);
}

void JournalQueue::wake_flusher(Lock&) {
  flusher_waits_ = false;
  flush_wanted_.notify_one();
}

/// By the flusher: the active segment is no good for what comes next, since somebody has removed
/// it, or has a share in its blocks. A new one begins with the next flush.
bool JournalQueue::leave_spoilt_segment(Lock& lock) {
  const auto number = std::exchange(spoilt_number_, 0);
  if (number == 0 || number != active_number_) return false;
  const auto segment = writer_.active();
  const bool removed = removed_file_ == writer_.file();
  writer_.leave_segment();
  note_segment();
  if (!removed) return true;
  removed_ = segment;
  next_write_back_ = {};
  missing_.push_back(segment);
  maintenance_wanted_.notify_one();
  lock.unlock();
  say(LogLevel::error, segment.name + " was removed under this process: a new file is begun, and " +
                           "what was in it is written again");
  lock.lock();
  return true;
}

/// The sealed ones in which callbacks have not ended.
std::vector<Segment> JournalQueue::waited_for_in_sealed() const {
  std::vector<Segment> found;
  for (const auto& segment : segments_) {
    if (segment.header.number != active_number_ && segment.last > acknowledged_) {
      found.push_back(segment);
    }
  }
  return found;
}

void JournalQueue::look_at_names(Lock& lock) {
  const auto before = waited_for_in_sealed();
  const bool cursor = cursor_stored_;
  lock.unlock();
  const bool spare = pool_.has_spare();
  std::error_code error;
  const auto list = storage_.file_system.list(storage_.directory, error);
  const std::set<std::string> names(list.begin(), list.end());
  if (!error && spare && !names.contains(spare_name)) pool_.forget_spare();
  lock.lock();
  if (error) return;
  if (cursor && !names.contains("cursor")) cursor_removed_ = true, cursor_stored_ = false;
  std::erase_if(missing_, [&](const Segment& segment) { return segment.last <= acknowledged_; });
  note_missing(lock, names, before);
}

void JournalQueue::note_missing(Lock& lock, const std::set<std::string>& names,
                                const std::vector<Segment>& before) {
  std::vector<std::string> gone;
  for (const auto& segment : before) {
    const auto same = [&](const Segment& other) {
      return other.header.number == segment.header.number;
    };
    const bool kept = std::any_of(segments_.begin(), segments_.end(), same);
    const bool known = std::any_of(missing_.begin(), missing_.end(), same);
    if (names.contains(segment.name) || !kept || known) continue;
    missing_.push_back(segment);
    gone.push_back(segment.name);
  }
  if (gone.empty()) return;
  std::sort(missing_.begin(), missing_.end(),
            [](const Segment& left, const Segment& right) { return left.last < right.last; });
  lock.unlock();
  say(LogLevel::error,
      std::to_string(gone.size()) +
          " files with callbacks that have not ended were removed under " + "this process, from " +
          gone.front() + " on: what is in memory is appended again, a crash before would lose it");
  lock.lock();
}

}  // namespace postoffice::journal
