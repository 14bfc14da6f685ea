// Tells systemd how the daemon does. The only place, with support/journal, that uses libsystemd.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/service_report.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// Looks at the daemon from time to time and sends what ServiceReport makes of it. Does nothing
/// unless a service manager asks for it (NOTIFY_SOCKET), or if libsystemd is not built in.
///
/// Threads: one of its own, so that the watchdog hears from it while the main thread waits. Its
/// methods are for the main thread.
class ServiceManager {
 public:
  /// Fills in what `Watched` has about the running daemon.
  using Look = std::function<void(Watched&)>;

  explicit ServiceManager(postoffice::Log log);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// The daemon has started. `look` is called on the thread until look_away().
  void started(Look look);
  void reloading();
  void reloaded();
  void stopping(std::chrono::microseconds limit);
  void failed(const std::string& message);

  /// The daemon may be destroyed then.
  void look_away();

 private:
  void run();
  void look(std::unique_lock<std::mutex>& lock);
  void tell_silence();

  const postoffice::Log log_;
  // Held while a message is sent, so that they stay in order, but not while the daemon is looked
  // at: a daemon that is stuck must still be told to stop.
  std::mutex mutex_;
  std::condition_variable changed_;
  ServiceReport report_;
  Watched watched_;
  Look look_;
  int looking_ = 0;
  bool ending_ = false;
  bool was_silent_ = false;
  std::thread thread_;
};

}  // namespace postofficed
