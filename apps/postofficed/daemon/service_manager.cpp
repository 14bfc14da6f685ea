#include "daemon/service_manager.hpp"

#include <cstdlib>
#include <fstream>
#include <utility>

#include "base/thread.hpp"
#ifdef POSTOFFICED_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace postofficed {
namespace {

#ifdef POSTOFFICED_SYSTEMD
bool is_wanted() { return std::getenv("NOTIFY_SOCKET") != nullptr; }

std::chrono::microseconds watchdog() {
  std::uint64_t interval = 0;
  const bool asked = sd_watchdog_enabled(0, &interval) > 0;
  return std::chrono::microseconds(asked ? interval : 0);
}

void send(const std::string& message) {
  if (!message.empty()) sd_notify(0, message.c_str());
}
#else
bool is_wanted() { return false; }
std::chrono::microseconds watchdog() { return {}; }
void send(const std::string&) {}
#endif

// What recovery reads, and the first file that it writes, pass through these.
std::uint64_t bytes_moved() {
  std::ifstream file("/proc/self/io");
  std::uint64_t sum = 0;
  std::uint64_t number = 0;
  for (std::string name; file >> name >> number;) {
    if (name == "rchar:" || name == "wchar:") sum += number;
  }
  return sum;
}

}  // namespace

ServiceManager::ServiceManager(postoffice::Log log) : log_(std::move(log)), report_(watchdog()) {
  if (is_wanted()) thread_ = postoffice::start_without_signals([this] { run(); });
}

ServiceManager::~ServiceManager() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ServiceManager::started(Look look_at) {
  if (!thread_.joinable()) return;
  std::unique_lock lock(mutex_);
  look_ = std::move(look_at);
  watched_.phase = Watched::Phase::running;
  look(lock);
}

void ServiceManager::reloading() {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  send(report_.reloading(std::chrono::steady_clock::now()));
}

void ServiceManager::reloaded() {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  send(report_.reloaded());
}

void ServiceManager::stopping(std::chrono::microseconds limit) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  watched_.phase = Watched::Phase::stopping;
  watched_.stop_limit = limit;
  send(report_.look(std::chrono::steady_clock::now(), watched_));
}

void ServiceManager::failed(const std::string& message) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  send(ServiceReport::failed(message));
  ending_ = true;  // lest something else becomes the last word
}

void ServiceManager::look_away() {
  std::unique_lock lock(mutex_);
  look_ = nullptr;
  changed_.wait(lock, [this] { return looking_ == 0; });
}

void ServiceManager::run() {
  postoffice::name_this_thread("service");
  std::unique_lock lock(mutex_);
  while (!ending_) {
    look(lock);
    changed_.wait_for(lock, report_.interval(), [this] { return ending_; });
  }
}

void ServiceManager::look(std::unique_lock<std::mutex>& lock) {
  Watched seen;
  ++looking_;
  const auto look_at = look_;
  lock.unlock();
  if (look_at) look_at(seen);
  seen.bytes_moved = bytes_moved();
  lock.lock();
  --looking_;
  changed_.notify_all();
  seen.phase = watched_.phase;
  seen.stop_limit = watched_.stop_limit;
  watched_ = std::move(seen);
  if (ending_) return;
  send(report_.look(std::chrono::steady_clock::now(), watched_));
  tell_silence();
}

void ServiceManager::tell_silence() {
  const bool silent = !report_.silent_because().empty();
  if (silent == was_silent_) return;
  was_silent_ = silent;
  if (silent) {
    log_(postoffice::LogLevel::error,
         "service: the watchdog gets no more signs of life, so this process will be ended and "
         "started anew: " +
             report_.silent_because());
  } else {
    log_(postoffice::LogLevel::info, "service: the watchdog gets signs of life again");
  }
}

}  // namespace postofficed
