// What a thread tells the system about itself, and one begun without signals.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace postoffice {

/// Names the calling thread for those who look at the process (`top -H`, a debugger, a core). At
/// most 15 characters.
inline void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

/// From now on the calling thread, when it is woken, waits until whoever has the processor gives it
/// away or has had its share (SCHED_BATCH, sched(7)), unless the system finds it a free one. A
/// policy that somebody chose from outside stays.
inline void let_others_finish_first() {
  int policy = 0;
  sched_param parameters{};
  if (::pthread_getschedparam(::pthread_self(), &policy, &parameters) != 0) return;
  if (policy == SCHED_OTHER) ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameters);
}

/// A thread that takes no signal: those are for the threads of the program. Throws
/// std::system_error if there is none to be had.
template <typename Run>
std::thread start_without_signals(Run run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(run));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

}  // namespace postoffice
