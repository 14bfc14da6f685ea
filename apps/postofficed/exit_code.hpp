// How the process ends. The numbers are those of sysexits.h; scripts and service managers rely on
// them.
#pragma once

#include <string>

namespace postofficed {

enum class ExitCode : int {
  ok = 0,
  usage = 64,          ///< unknown option or command, missing or superfluous argument
  unavailable = 69,    ///< a needed service does not answer (one-shot commands only)
  journal = 74,        ///< the data directory or the journal cannot be read or written
  configuration = 78,  ///< a value, wherever it came from, cannot work
};

/// What ended a command, in one line for people.
struct Failure {
  ExitCode code = ExitCode::ok;
  std::string message;
};

}  // namespace postofficed
