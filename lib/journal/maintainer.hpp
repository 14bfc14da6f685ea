// Does what nobody waits for: spare segments, the cursor, and letting segments go.
//
// Runs on the maintainer's thread alone; when the threads have ended, once more on the thread that
// stops the queue. It owns the cursor's file and all lists of what is to be tried again. The order
// is what matters here: a segment goes only when the cursor behind it is on stable storage, and
// while it is not sure that what was found at the start survives a power cut, the cursor stays
// where it was found. Each of these steps may wait for the disk, and appends do not wait for it.
#pragma once

#include "journal/cursor_file.hpp"
#include "journal/queue_thread.hpp"

namespace postoffice::journal {

class Maintainer final : public QueueThread {
 public:
  Maintainer(SharedState& state, const Recovered& recovered);

  /// The last cursor, after the thread has ended.
  void finish() EXCLUDES(state_.mutex);

 private:
  struct Unreleased {
    std::string name;
    std::uint64_t size;
  };

  Next work() override REQUIRES(state_.mutex, thread_);
  bool wants_cursor() const REQUIRES(state_.mutex);
  void make_found_durable() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void write_back_removed() REQUIRES(thread_) EXCLUDES(state_.mutex);
  bool make_spare() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void check_reserve() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void tell_reserve() REQUIRES(thread_) EXCLUDES(state_.mutex);
  bool write_cursor() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void trim() REQUIRES(thread_) EXCLUDES(state_.mutex);
  void release(const Segment& segment) REQUIRES(thread_) EXCLUDES(state_.mutex);
  void release_again() REQUIRES(thread_) EXCLUDES(state_.mutex);

  CursorFile cursor_file_ GUARDED_BY(thread_);
  SteadyTime next_cursor_ GUARDED_BY(thread_){};
  /// Of what is found at the start this may go with the power: what was acknowledged may rely on
  /// records in it. So meanwhile the cursor says no more than held_at_.
  std::optional<Segment> not_durable_ GUARDED_BY(thread_);
  const Sequence held_at_;
  SteadyTime next_make_durable_ GUARDED_BY(thread_){};
  SteadyTime next_spare_ GUARDED_BY(thread_){};
  SteadyTime next_reserve_ GUARDED_BY(thread_){};
  Reserve reserve_told_ GUARDED_BY(thread_) = Reserve::kept;
  std::vector<Unreleased> unreleased_ GUARDED_BY(thread_);  ///< could not be removed
  SteadyTime next_release_ GUARDED_BY(thread_){};
};

}  // namespace postoffice::journal
