#include "daemon/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace postofficed {
namespace {

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

Signals::Signals() {
  // A closed peer and a file that may not grow (RLIMIT_FSIZE) are errors of a call, and must not
  // end the process.
  for (const int number : {SIGPIPE, SIGXFSZ}) signal(number, SIG_IGN);
  const sigset_t set = handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Shells start background jobs with SIGINT ignored; ignored signals would never arrive.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_DFL);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  finished_ = eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || finished_ < 0) {
    throw std::system_error(errno, std::generic_category(), "signals");
  }
}

Signals::~Signals() {
  const sigset_t set = handled();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  close(signals_);
  close(finished_);
}

Signals::Event Signals::wait() {
  pollfd places[] = {{signals_, POLLIN, 0}, {finished_, POLLIN, 0}};
  for (;;) {
    if (poll(places, 2, -1) < 0) continue;
    if (places[1].revents != 0) return Event::finished;
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) != sizeof info) continue;
    number_ = static_cast<int>(info.ssi_signo);
    return number_ == SIGHUP ? Event::reload : Event::stop;
  }
}

void Signals::finish() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(finished_, &one, sizeof one);
}

}  // namespace postofficed
