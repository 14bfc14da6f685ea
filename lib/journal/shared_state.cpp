#include "journal/shared_state.hpp"

#include <algorithm>
#include <cstdio>

#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

SegmentPool::Limits limits_of(const Environment& env) {
  constexpr std::uint64_t enough = 512ull << 20;
  const auto size = env.storage.file_system.space(env.storage.directory).size;
  return {env.options.bytes_max, env.options.free_bytes_min.value_or(std::min(enough, size / 20))};
}

std::string in_seconds(std::chrono::microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

std::optional<BacklogStart> backlog_of(const Recovered& recovered) {
  if (recovered.backlog_number == 0) return {};
  return BacklogStart{recovered.backlog_number, recovered.backlog_offset, recovered.acknowledged};
}

}  // namespace

void Environment::say(LogLevel level, const std::string& message) const {
  if (log) log(level, "queue: " + message);
}

SharedState::SharedState(Environment given, const Recovered& recovered)
    : env(std::move(given)),
      pool(env.storage, env.options.segment_bytes, limits_of(env), recovered.spare_ready,
           recovered.segments.size(), env.now),
      newest(recovered.newest),
      last_stamped(recovered.greatest),
      last_durable(recovered.last),
      accepted_ids(recovered.report.ids),
      accepted_callbacks(recovered.report.callbacks),
      segments(recovered.segments, recovered.next_number),
      in_memory(recovered.acknowledged),
      behind(recovered.backlog_number != 0),
      backlog_start(backlog_of(recovered)),
      progress(recovered.acknowledged, recovered.waiting, recovered.gaps) {
  if (recovered.last_found < recovered.greatest) {
    progress.burn(recovered.last_found + 1, recovered.greatest);
  }
}

Timestamp SharedState::tell_newest() {
  newest = std::max(newest, env.clock.now());
  return newest;
}

Timestamp SharedState::frontier() {
  const auto waiting = progress.oldest_waiting();
  return waiting ? *waiting : tell_newest();
}

void SharedState::note_segment(const JournalWriter& writer) {
  if (segments.note(writer)) maintenance_wanted.notify_one();
}

bool SharedState::memory_has_room() const {
  return memory.empty() || memory.bytes() <= env.options.memory_bytes_max / 2;
}

std::chrono::microseconds SharedState::overdue_for() { return punctuality.overdue_for(env.now()); }

Obstacle SharedState::obstacle() {
  if (directory != DirectoryLock::State::held) return Obstacle::directory;
  if (broken) return Obstacle::failure;
  (void)overdue_for();
  if (punctuality.overdue()) return Obstacle::overdue;
  if (open.bytes.size() > env.options.buffer_bytes_max) return Obstacle::buffer;
  if (segments.active_number() == 0 && !pool.can_give()) return Obstacle::first_file;
  return Obstacle::none;
}

std::string SharedState::describe(Obstacle obstacle) {
  const auto& path = env.storage.directory;
  switch (obstacle) {
    case Obstacle::none: break;
    case Obstacle::directory:
      return directory == DirectoryLock::State::shared
                 ? "another process has taken the lock of " + path
                 : path + " was moved or replaced; put it back, or restart";
    case Obstacle::failure: return "no callback can be made durable: " + broken.message();
    case Obstacle::overdue: {
      const auto age = overdue_for();
      if (age.count() > 0) return "the disk does not answer: a flush takes " + in_seconds(age);
      return "the disk is slow: flushes came later than the " + in_seconds(Punctuality::limit) +
             " that a sender waits";
    }
    case Obstacle::buffer: return "more callbacks wait for the disk than are kept in memory";
    case Obstacle::first_file: return "the first file of the queue does not exist yet";
  }
  return {};
}

std::string SharedState::advise(Obstacle obstacle) const {
  const auto& path = env.storage.directory;
  switch (obstacle) {
    case Obstacle::none: break;
    case Obstacle::directory:
      return directory == DirectoryLock::State::shared
                 ? "stop the other process (fuser -v " + path +
                       "/*), then restart this one: a queue has one owner"
                 : "put it back in its place, or restart";
    case Obstacle::failure:
      return broken == Error::storage_full
                 ? "make room on the disk of " + path +
                       " (df -h, du -x), or raise --queue-limit if that is what is reached; "
                       "nothing that was accepted is lost, and it goes on by itself"
                 : "look at the disk of " + path +
                       " and its file system (dmesg, smartctl, mount: read-only?); nothing that "
                       "was accepted is lost, and it is tried again by itself";
    case Obstacle::overdue:
    case Obstacle::buffer:
      return "look at the disk of " + path +
             ": its device, a snapshot that holds it, its file system (dmesg, iostat -x 1); "
             "nothing that was accepted is lost, and it goes on by itself";
    case Obstacle::first_file:
      return "make room on the disk of " + path +
             " (df -h), and see the log for why the file could not be made; it is tried again by "
             "itself";
  }
  return {};
}

}  // namespace postoffice::journal
