// The end of a service manager: a socket that hears what the daemon tells, and a thread stopped.
#pragma once

#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>

#include "support/process.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::testing {

/// What NOTIFY_SOCKET names.
class NotifySocket {
 public:
  NotifySocket() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path().size() < sizeof address.sun_path);
    std::strcpy(address.sun_path, path().c_str());
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~NotifySocket() { close(socket_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// For the new process. `watchdog` of 0: none.
  Process::Setup pass(std::chrono::microseconds watchdog = {}) const {
    return [this, watchdog] {
      setenv("NOTIFY_SOCKET", path().c_str(), 1);
      if (watchdog.count() == 0) return;
      setenv("WATCHDOG_USEC", std::to_string(watchdog.count()).c_str(), 1);
      setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
    };
  }

  /// All that was told so far, a message after the other.
  const std::string& heard() {
    char message[4096];
    for (;;) {
      const ssize_t count = recv(socket_, message, sizeof message, 0);
      if (count < 0) return heard_;
      heard_.append(message, static_cast<std::size_t>(count)) += '\n';
    }
  }
  bool hears(const std::string& text) { return heard().find(text) != std::string::npos; }
  /// From here on.
  void forget() {
    heard();
    heard_.clear();
  }

 private:
  std::string path() const { return directory_ / "notify"; }

  TemporaryDirectory directory_;
  int socket_;
  std::string heard_;
};

/// One thread of a child process, which does nothing from now on while the others go on.
class StoppedThread {
 public:
  /// `name` as the thread calls itself.
  StoppedThread(pid_t process, const std::string& name) {
    const auto tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
      const pid_t thread = std::stoi(entry.path().filename());
      if (content_of(entry.path() / "comm") != name + "\n") continue;
      if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) continue;
      ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
      int status = 0;
      waitpid(thread, &status, __WALL);
      threads_.push_back(thread);
    }
  }
  ~StoppedThread() { resume(); }
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  bool worked() const { return !threads_.empty(); }
  void resume() {
    for (const pid_t thread : threads_) ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
    threads_.clear();
  }

 private:
  std::vector<pid_t> threads_;
};

}  // namespace postoffice::testing
