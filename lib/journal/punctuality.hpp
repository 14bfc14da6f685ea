// Whether the disk answers in time. No system calls, no locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace postoffice::journal {

/// Records since when appends, and a cursor, have been waiting for the disk. After something was
/// late, the queue is not writable until something has been in time.
class Punctuality {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A sender waits no longer than this (S9), so a longer flush serves nobody.
  static constexpr std::chrono::microseconds limit = std::chrono::milliseconds(800);

  /// The first of the appends that the next flush will take.
  void append_waits(Time now);
  void flush_begins();
  void probe_begins(Time now);
  /// A flush or a probe has come to an end; there may be more to do before flusher_rests().
  void flush_ended(bool good, Time now);
  void flusher_rests() { flushing_since_.reset(); }
  /// The appends were completed with an error.
  void appends_refused() { open_since_.reset(); }

  void cursor_begins(Time now) { cursor_since_ = now; }
  void cursor_ended(bool stored, Time now);

  /// How long the oldest append or probe has been waiting for the disk; 0 while that is in time.
  std::chrono::microseconds overdue_for(Time now);
  /// Something was late, and nothing has been in time since.
  bool overdue() const { return overdue_; }

  /// How many flushes were late, and what the newest of them took.
  std::uint64_t times_late() const { return times_late_; }
  std::string describe_latest() const;

 private:
  std::optional<Time> open_since_;
  std::optional<Time> flushing_since_;
  std::optional<Time> cursor_since_;
  Time last_flushed_{};
  bool overdue_ = false;
  std::uint64_t times_late_ = 0;
  std::chrono::microseconds latest_{};
};

}  // namespace postoffice::journal
