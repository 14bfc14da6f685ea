// Who used the processors while something was measured.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "commands/bench/figures.hpp"
#include "support/processor_times.hpp"

namespace postofficed::bench {

class UsageMeter {
 public:
  explicit UsageMeter(pid_t daemon);  ///< from now on

  /// Until now. `client_seconds`: of this process's time, what its senders used.
  Usage read(double client_seconds) const;

 private:
  using Clock = std::chrono::steady_clock;

  const pid_t daemon_;
  const Clock::time_point begun_ = Clock::now();
  const ProcessTimes daemon_before_;
  const ProcessTimes own_before_;
  const MachineTimes machine_before_;
};

}  // namespace postofficed::bench
