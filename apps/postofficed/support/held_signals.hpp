// Time to clean up.
#pragma once

#include <signal.h>

namespace postofficed {

/// Signals that would end the process wait until this is gone; then they come through.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&held_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&held_, number);
    ::sigprocmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  /// One has come.
  bool any() const {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGINT) != 0 || ::sigismember(&pending, SIGTERM) != 0 ||
           ::sigismember(&pending, SIGHUP) != 0;
  }

  /// What was blocked before: for a process that is begun meanwhile.
  const sigset_t& before() const { return before_; }

 private:
  sigset_t held_{};
  sigset_t before_{};
};

}  // namespace postofficed
