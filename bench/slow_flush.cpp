// Preloaded into a server (LD_PRELOAD), it makes each of its flushes take FLUSH_DELAY_US
// microseconds longer, as Workers::flush_delay of lib/journal does with the journal's.
#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

extern "C" int fdatasync(int file) {
  static const auto flush = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fdatasync"));
  static const char* const delay = std::getenv("FLUSH_DELAY_US");
  if (delay != nullptr) std::this_thread::sleep_for(std::chrono::microseconds(std::atol(delay)));
  return flush(file);
}
