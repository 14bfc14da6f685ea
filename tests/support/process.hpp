// Other programs under test: started, watched and ended, never longer than the test.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::testing {

inline std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A running program; killed, if need be, when the object goes.
class Process {
 public:
  using Setup = std::function<void()>;

  /// `setup` runs in the new process just before the program.
  explicit Process(std::vector<std::string> command, const Setup& setup = {}) {
    process_ = fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) become(command, setup);
  }
  ~Process() {
    if (exit_code_ < 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return process_; }
  void signal(int number) const { kill(process_, number); }

  /// As a shell counts: 128 + the signal for a program that one ended. -1 if it has not ended.
  int exit_code(std::chrono::seconds limit = std::chrono::seconds(30)) {
    eventually([this] { return ended(); }, limit);
    return exit_code_;
  }

  bool ended() {
    int status = 0;
    if (exit_code_ < 0 && waitpid(process_, &status, WNOHANG) == process_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_ >= 0;
  }

  std::string out() const { return content_of(directory_ / "out"); }
  std::string err() const { return content_of(directory_ / "err"); }

 private:
  [[noreturn]] void become(const std::vector<std::string>& command, const Setup& setup) const {
    redirect("out", STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    std::vector<char*> arguments;
    for (const auto& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    if (setup) setup();
    execv(arguments.front(), arguments.data());
    _exit(127);
  }

  void redirect(const char* name, int descriptor) const {
    const int file = open((directory_ / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(file, descriptor);
  }

  TemporaryDirectory directory_;
  pid_t process_ = -1;
  int exit_code_ = -1;
};

}  // namespace postoffice::testing
