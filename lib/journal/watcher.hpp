// Watches the other parts, and whether the queue's files still exist.
//
// Runs on the watcher's thread alone, which owns the lock of the directory. It repairs only a
// directory that is gone. Everything else that it finds it leaves in the shared state: for the
// flusher (a segment that must not be used any longer), for the maintainer (a cursor or a segment
// to write again) and for the status. It logs that callbacks are refused before it asks the disk
// anything, so a disk that hangs is reported, too.
#pragma once

#include <set>

#include "journal/queue_thread.hpp"
#include "journal/space_report.hpp"

namespace postoffice::journal {

/// Makes the directory of a queue, with durable names above it, if it does not exist.
std::error_code make_directory(const Storage& storage);

class Watcher final : public QueueThread {
 public:
  Watcher(SharedState& state, std::unique_ptr<DirectoryLock> lock);

 private:
  using Names = std::set<std::string>;

  Next work() override REQUIRES(state_.mutex, thread_);
  void tell_turn() REQUIRES(state_.mutex, thread_);
  void tell_moment() REQUIRES(state_.mutex, thread_);
  void look_at_space() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void look_at_directory() REQUIRES(state_.mutex, thread_);
  DirectoryLock::State find_directory() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void look_at_active() REQUIRES(state_.mutex, thread_);
  void look_at_names() REQUIRES(state_.mutex, thread_);
  Result<Names> list() EXCLUDES(state_.mutex);
  void note_missing(const Names& names, const std::vector<Segment>& before) REQUIRES(state_.mutex);

  std::unique_ptr<DirectoryLock> directory_lock_ GUARDED_BY(thread_);
  SteadyTime next_look_ GUARDED_BY(thread_){};
  SteadyTime next_listing_ GUARDED_BY(thread_){};
  const SteadyTime opened_at_;
  Obstacle told_ GUARDED_BY(thread_) = Obstacle::none;
  std::uint64_t late_before_ GUARDED_BY(thread_) = 0;
  SteadyTime next_moment_ GUARDED_BY(thread_){};
  SpaceReport space_report_ GUARDED_BY(thread_);
};

}  // namespace postoffice::journal
