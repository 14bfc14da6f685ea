// What a thread of ours tells the system about itself.
#pragma once

#include <pthread.h>
#include <sched.h>

namespace postoffice {

/// Names the calling thread for those who look at the process (`top -H`, a debugger, a core). At
/// most 15 characters.
inline void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

/// The calling thread does not interrupt another one of its processor when it is woken
/// (SCHED_BATCH, sched(7)). On a machine with few cores, whoever hands work to this thread then
/// finishes handing over before it begins, which makes batches larger; an idle core takes it up at
/// once all the same. Needs no privilege; where the system does not know it nothing changes.
inline void let_others_finish() {
#ifdef SCHED_BATCH
  const sched_param no_priority{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &no_priority);
#endif
}

}  // namespace postoffice
