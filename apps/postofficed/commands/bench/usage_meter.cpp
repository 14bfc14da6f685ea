#include "commands/bench/usage_meter.hpp"

#include <unistd.h>

#include <algorithm>

namespace postofficed::bench {

UsageMeter::UsageMeter(pid_t daemon)
    : daemon_(daemon),
      daemon_before_(read_process_times(daemon)),
      own_before_(read_process_times(getpid())),
      machine_before_(read_machine_times()) {}

Usage UsageMeter::read(double client_seconds) const {
  const std::chrono::duration<double> passed = Clock::now() - begun_;
  const double seconds = std::max(passed.count(), 1e-3);
  const auto daemon = read_process_times(daemon_);
  const auto own = read_process_times(getpid());
  const auto machine = read_machine_times();
  Usage usage;
  usage.daemon = (daemon.total - daemon_before_.total) / seconds;
  usage.client = client_seconds / seconds;
  usage.source = std::max(0.0, own.total - own_before_.total - client_seconds) / seconds;
  const double idle = machine.idle - machine_before_.idle;
  usage.machine = (machine.total - machine_before_.total - idle) / seconds;
  for (const auto& [thread, time] : daemon.threads) {
    const auto before = daemon_before_.threads.find(thread);
    const double used = time - (before == daemon_before_.threads.end() ? 0 : before->second);
    if (used / seconds <= usage.thread_share) continue;
    usage.thread = thread;
    usage.thread_share = used / seconds;
  }
  return usage;
}

}  // namespace postofficed::bench
