#include "support/processor_times.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace postofficed {
namespace {

double seconds_per_tick() { return 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK)); }

struct Stat {
  std::string name;
  double seconds = 0;
};

/// A line of /proc/…/stat: "4711 (name) S …"; the name may hold anything. User and system time are
/// its fields 14 and 15.
Stat read_stat(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto begin = line.find('(');
  const auto end = line.rfind(')');
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::istringstream fields(line.substr(end + 1));
  std::string skipped;
  for (int number = 3; number < 14; ++number) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return {line.substr(begin + 1, end - begin - 1), (user + system) * seconds_per_tick()};
}

}  // namespace

ProcessTimes read_process_times(pid_t process) {
  const auto directory = "/proc/" + std::to_string(process);
  ProcessTimes times;
  times.total = read_stat(directory + "/stat").seconds;
  std::error_code error;
  // The process may end meanwhile.
  std::filesystem::directory_iterator entry(directory + "/task", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto stat = read_stat(entry->path().string() + "/stat");
    times.threads[stat.name + "/" + entry->path().filename().string()] = stat.seconds;
  }
  return times;
}

// The first line of /proc/stat: "cpu  user nice system idle iowait irq softirq steal …".
MachineTimes read_machine_times() {
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  MachineTimes times;
  for (int field = 0; field < 8; ++field) {
    double ticks = 0;
    file >> ticks;
    times.total += ticks * seconds_per_tick();
    if (field == 3 || field == 4) times.idle += ticks * seconds_per_tick();
  }
  return times;
}

double read_memory(pid_t process, const char* name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  const std::string start = std::string(name) + ":";
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(start, 0) == 0) return std::atof(line.c_str() + start.size()) * 1024;
  }
  return 0;
}

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace postofficed
