// Who used the processors.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace postofficed {

/// Of one process, by thread, in seconds so far.
struct ProcessTimes {
  double total = 0;
  std::map<std::string, double> threads;  ///< by "name/number", so that two of one name stay two
};

ProcessTimes read_process_times(pid_t process);

/// Of the whole machine, of all its processors together, in seconds so far.
struct MachineTimes {
  double total = 0;
  double idle = 0;
};

MachineTimes read_machine_times();

/// From a file of /proc: the text behind "name:", in kilobytes, as bytes; 0 if there is none.
double read_memory(pid_t process, const char* name);

/// How many processes wanted to run in the last minute, on average.
double load_average();

}  // namespace postofficed
