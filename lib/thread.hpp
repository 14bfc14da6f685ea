// What a thread of ours tells the system about itself.
#pragma once

#include <pthread.h>

namespace postoffice {

/// Names the calling thread for those who look at the process (`top -H`, a debugger, a core). At
/// most 15 characters.
inline void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace postoffice
