// A program under test at a terminal of its own.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <string>
#include <vector>

#include "support/eventually.hpp"

namespace postoffice::testing {

/// Whatever the program writes is kept, and it never waits for a reader.
class PtyProcess {
 public:
  PtyProcess(std::vector<std::string> command, unsigned short columns, unsigned short rows,
             std::vector<std::string> variables = {}) {
    winsize size{rows, columns, 0, 0};
    REQUIRE(openpty(&ours_, &theirs_, nullptr, nullptr, &size) == 0);
    fcntl(ours_, F_SETFL, O_NONBLOCK);
    tcgetattr(theirs_, &at_first_);
    process_ = fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) become(command, variables);
  }
  ~PtyProcess() {
    if (exit_code_ < 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    close(ours_);
    close(theirs_);
  }
  PtyProcess(const PtyProcess&) = delete;
  PtyProcess& operator=(const PtyProcess&) = delete;

  void press(const std::string& keys) const {
    REQUIRE(write(ours_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }
  void signal(int number) const { kill(process_, number); }
  void resize(unsigned short columns, unsigned short rows) const {
    const winsize size{rows, columns, 0, 0};
    REQUIRE(ioctl(ours_, TIOCSWINSZ, &size) == 0);
  }

  /// All that it has written so far.
  const std::string& written() {
    char buffer[4096];
    for (ssize_t count; (count = read(ours_, buffer, sizeof buffer)) > 0;) {
      written_.append(buffer, static_cast<std::size_t>(count));
    }
    return written_;
  }
  void forget() {
    written();
    written_.clear();
  }
  bool eventually_writes(const std::string& text) {
    return eventually([&] { return written().find(text) != std::string::npos; });
  }

  /// As a shell counts; -1 if it does not end.
  int exit_code() {
    int status = 0;
    eventually([&] {
      written();
      return exit_code_ >= 0 || waitpid(process_, &status, WNOHANG) == process_;
    });
    if (exit_code_ < 0 && (WIFEXITED(status) || WIFSIGNALED(status))) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_;
  }

  bool echoes() const { return (settings().c_lflag & (ECHO | ICANON)) == (ECHO | ICANON); }

  /// Whether the terminal is set as it was before the program began.
  bool is_as_before() const {
    const auto now = settings();
    return now.c_iflag == at_first_.c_iflag && now.c_oflag == at_first_.c_oflag &&
           now.c_cflag == at_first_.c_cflag && now.c_lflag == at_first_.c_lflag;
  }

 private:
  termios settings() const {
    termios now{};
    tcgetattr(theirs_, &now);
    return now;
  }

  [[noreturn]] void become(const std::vector<std::string>& command,
                           std::vector<std::string> variables) const {
    close(ours_);
    login_tty(dup(theirs_));
    std::vector<char*> arguments;
    for (const auto& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> environment;
    for (auto& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    execve(arguments.front(), arguments.data(), environment.data());
    _exit(127);
  }

  int ours_ = -1;
  int theirs_ = -1;
  termios at_first_{};
  pid_t process_ = -1;
  int exit_code_ = -1;
  std::string written_;
};

}  // namespace postoffice::testing
