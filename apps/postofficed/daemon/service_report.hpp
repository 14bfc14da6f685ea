// What a service manager is told, and when (sd_notify(3)). No system calls, no threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace postofficed {

/// The daemon at one moment, as far as its service manager cares.
struct Watched {
  enum class Phase { opening, running, stopping };

  Phase phase = Phase::opening;
  std::uint64_t bytes_moved = 0;  ///< read and written so far by this process; of use while opening
  std::chrono::microseconds pipeline_age{0};   ///< since the pipeline's thread last moved
  std::chrono::microseconds flush_overdue{0};  ///< as FileQueue::FlushStatus has it
  bool takes_callbacks = true;                 ///< a worker takes none
  std::string not_ready{};                     ///< why a callback sent now gets no 202
  std::string trouble{};                       ///< the first of what is wrong besides
  std::chrono::microseconds stop_limit{0};     ///< how long stopping may take
};

/// The lines of each message.
///
/// The watchdog is told "alive" only while the pipeline's thread moves and no flush is far overdue.
/// Both bounds follow its interval (docs/decisions/0058-what-a-service-manager-is-told.md).
class ServiceReport {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `watchdog` is how long it waits for a sign of life; 0: there is none.
  explicit ServiceReport(std::chrono::microseconds watchdog) : watchdog_(watchdog) {}

  /// How often to look.
  std::chrono::microseconds interval() const;

  /// What to send now; may be empty.
  std::string look(Time now, const Watched& watched);

  /// Why the watchdog is not fed, from the last look; empty: it is fed, or there is none.
  const std::string& silent_because() const { return silent_because_; }

  std::string reloading(Time now);
  std::string reloaded();

  static std::string failed(const std::string& message);

 private:
  std::string tell_phase(Time now, const Watched& watched);
  std::string tell_opening(Time now, const Watched& watched);
  std::string tell_status(Time now, const Watched& watched);
  std::string feed(const Watched& watched);

  std::chrono::microseconds pipeline_age_max() const;
  std::chrono::microseconds disk_patience() const;

  const std::chrono::microseconds watchdog_;
  Watched::Phase phase_ = Watched::Phase::opening;
  std::uint64_t bytes_moved_ = 0;
  Time moved_at_{};
  Time next_extension_{};
  std::string status_;
  int status_kind_ = -1;
  Time next_status_{};
  std::string silent_because_;
};

}  // namespace postofficed
