// What a thread of ours tells the system about itself.
#pragma once

#include <pthread.h>
#include <sched.h>

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

}  // namespace postoffice
