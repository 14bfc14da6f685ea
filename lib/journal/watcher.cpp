#include "journal/watcher.hpp"

#include <algorithm>
#include <utility>

namespace postoffice::journal {
namespace {

constexpr auto look_interval = std::chrono::milliseconds(250);
constexpr auto listing_interval = std::chrono::seconds(1);
/// The first file may take this long without a line in the log.
constexpr auto patience_at_start = std::chrono::seconds(1);
/// Between two lines about moments that are over.
constexpr auto between_moments = std::chrono::seconds(10);

bool contains(const std::vector<Segment>& segments, const Segment& segment) {
  return std::any_of(segments.begin(), segments.end(),
                     [&](const Segment& other) { return same_number(other, segment); });
}

}  // namespace

/// The name of a new directory must survive, and those of its new parents, whichever process made
/// them and however far it got. Directories that we may not read existed before us.
std::error_code make_directory(const Storage& storage) {
  auto& files = storage.file_system;
  if (const auto error = files.create_directory(storage.directory)) return error;
  auto path = storage.directory;
  while (path != "/" && path != ".") {
    path.erase(std::min(path.find_last_not_of('/') + 1, path.size()));
    const auto slash = path.find_last_of('/');
    path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    (void)files.sync_directory(path);
  }
  return {};
}

Watcher::Watcher(SharedState& state, std::unique_ptr<DirectoryLock> lock)
    : QueueThread(state, state.watch_wanted),
      directory_lock_(std::move(lock)),
      opened_at_(state.env.now()),
      space_report_(state.env.options.segment_bytes) {}

QueueThread::Next Watcher::work() {
  if (state_.stopping) return {Next::What::end};
  const auto now = state_.env.now();
  if (now < next_look_) return {Next::What::sleep, next_look_};
  next_look_ = now + look_interval;
  tell_turn();  // first: what follows asks the disk
  look_at_directory();
  // The files of a directory that was moved may come back with it.
  if (state_.directory != DirectoryLock::State::held) return {};
  look_at_active();
  if (now >= next_listing_) {
    next_listing_ = now + listing_interval;
    look_at_names();
    const Unlocked unlocked(state_.mutex);
    look_at_space();
  }
  return {};
}

/// One line when callbacks begin to be refused, one when that ends. A failure was logged already.
void Watcher::tell_turn() {
  const auto found = state_.obstacle();
  const bool young =
      found == Obstacle::first_file && state_.env.now() < opened_at_ + patience_at_start;
  if (found == Obstacle::none && told_ == Obstacle::none) return tell_moment();
  late_before_ = state_.punctuality.times_late();
  if ((found == Obstacle::none) == (told_ == Obstacle::none) || young) return;
  told_ = found;
  const auto words = state_.describe(found);
  const Unlocked unlocked(state_.mutex);
  if (found == Obstacle::none)
    state_.env.say(LogLevel::info, "callbacks can be made durable again");
  else if (found != Obstacle::failure)
    state_.env.say(LogLevel::error, "callbacks are refused: " + words);
}

/// A flush was late since the last look, and one has been in time since. Its senders were refused
/// all the same, so that is told.
void Watcher::tell_moment() {
  const auto late = state_.punctuality.times_late();
  const auto now = state_.env.now();
  if (late == late_before_ || now < next_moment_) return;
  const auto times = late - std::exchange(late_before_, late);
  next_moment_ = now + between_moments;
  const auto words = state_.punctuality.describe_latest();
  const Unlocked unlocked(state_.mutex);
  state_.env.say(LogLevel::warning,
                 "callbacks were refused for a moment: " + words +
                     (times > 1 ? ", " + std::to_string(times) + " times" : std::string()));
}

void Watcher::look_at_space() {
  state_.pool.look_at_disk();
  const auto line = space_report_.look(state_.pool.space(), state_.env.now());
  if (line) state_.env.say(line->level, line->text);
}

void Watcher::look_at_directory() {
  DirectoryLock::State found;
  {
    const Unlocked unlocked(state_.mutex);
    found = find_directory();
  }
  state_.directory = found;
}

/// A directory that is gone is made anew. One that was moved may come back, so the watcher waits
/// for it.
DirectoryLock::State Watcher::find_directory() {
  using State = DirectoryLock::State;
  const auto& storage = state_.env.storage;
  const auto found = directory_lock_->look();
  if (found != State::removed || make_directory(storage)) return found;
  auto again = storage.file_system.lock(storage.directory);
  if (!again) return found;
  directory_lock_ = *std::move(again);
  state_.env.say(LogLevel::error,
                 storage.directory + " was removed while this process runs: made anew");
  return State::held;
}

void Watcher::look_at_active() {
  if (state_.segments.active() == nullptr) return;
  const auto segment = *state_.segments.active();
  const auto file = state_.segments.active_file();
  bool there = false;
  {
    const Unlocked unlocked(state_.mutex);
    there = file->is_at(state_.env.storage.path(segment.name));
  }
  if (there || !state_.segments.is_active(segment)) return;
  state_.spoilt_number = segment.header.number;
  state_.removed.active_file = file;
  state_.flusher_waits = false;
  state_.flush_wanted.notify_one();
}

void Watcher::look_at_names() {
  const auto before = state_.segments.sealed_beyond(state_.progress.acknowledged());
  const bool cursor = state_.cursor.stored;
  Result<Names> names = Names();
  {
    const Unlocked unlocked(state_.mutex);
    names = list();
  }
  if (!names) return;
  if (cursor && !names->contains("cursor")) {
    state_.cursor.removed = true;
    state_.cursor.stored = false;
  }
  const auto acknowledged = state_.progress.acknowledged();
  std::erase_if(state_.removed.missing,
                [&](const Segment& segment) { return segment.last <= acknowledged; });
  note_missing(*names, before);
}

/// It also forgets a spare that was removed.
Result<Watcher::Names> Watcher::list() {
  const auto& storage = state_.env.storage;
  const bool spare = state_.pool.has_spare();
  const auto list = storage.file_system.list(storage.directory);
  if (!list) return list.error();
  Names names(list->begin(), list->end());
  if (spare && !names.contains(spare_name)) state_.pool.forget_spare();
  return names;
}

void Watcher::note_missing(const Names& names, const std::vector<Segment>& before) {
  auto& missing = state_.removed.missing;
  std::vector<std::string> gone;
  for (const auto& segment : before) {
    const bool there = names.contains(segment.name) || !state_.segments.contains(segment);
    if (there || contains(missing, segment)) continue;
    missing.push_back(segment);
    gone.push_back(segment.name);
  }
  if (gone.empty()) return;
  std::sort(missing.begin(), missing.end(),
            [](const Segment& left, const Segment& right) { return left.last < right.last; });
  const Unlocked unlocked(state_.mutex);
  state_.env.say(
      LogLevel::error,
      std::to_string(gone.size()) +
          " files with unfinished callbacks were removed while this process runs, from " +
          gone.front() + " on: what is in memory is appended again; a crash before that loses it");
}

}  // namespace postoffice::journal
