#include "admin/process.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace postofficed {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void read_memory(ProcessStatus& status) {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  status.virtual_bytes = total * page;
  status.resident_bytes = resident * page;
}

// Fields 20 and 22 of /proc/self/stat: how many threads, and when it began, in ticks since boot.
// The second field, the program's name in parentheses, may hold spaces, so counting begins behind
// it.
void read_stat(ProcessStatus& status) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int number = 3; number < 20; ++number) fields >> field;
  double ticks = 0;
  if (!(fields >> status.threads >> field >> ticks)) return;
  // The two clocks are not read at the same moment, and one of them may be set: worked out once, so
  // that it never looks like another process.
  static const double boot = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  status.start_seconds = boot + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::uint64_t open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  std::filesystem::directory_iterator file("/proc/self/fd", error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) ++count;
  return count;
}

}  // namespace

ProcessStatus read_process_status() {
  ProcessStatus status;
  read_memory(status);
  read_stat(status);
  status.open_files = open_files();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) status.open_files_max = limit.rlim_cur;
  status.processor_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  return status;
}

}  // namespace postofficed
