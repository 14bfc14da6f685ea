#include "commands/self_test/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace postofficed::self_test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

[[noreturn]] void become(int pipe, pid_t parent,
                         const std::function<void(const Child::Tell&)>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it has gone before that took effect
  work([pipe](const Report& report) {
    if (::write(pipe, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) ::_exit(1);
  });
  ::_exit(0);
}

}  // namespace

Child::Child(const std::function<void(const Tell&)>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  const auto parent = ::getpid();
  process_ = ::fork();
  if (process_ < 0) fail("fork");
  if (process_ == 0) {
    ::close(ends[0]);
    become(ends[1], parent, work);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

Child::~Child() {
  kill();
  ::close(pipe_);
  ::waitpid(process_, nullptr, 0);
}

std::optional<Report> Child::next(std::chrono::milliseconds patience) {
  pollfd watched{pipe_, POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  Report report;
  if (::read(pipe_, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) {
    return std::nullopt;
  }
  return report;
}

void Child::kill() { ::kill(process_, SIGKILL); }

}  // namespace postofficed::self_test
