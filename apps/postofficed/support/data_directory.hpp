// The directory in which a daemon keeps its files.
#pragma once

#include <string>

#include "exit_code.hpp"

namespace postofficed {

/// Creates the data directory (mode 0700) if it is missing. Fails with ExitCode::journal, also if
/// nothing can be written in it.
Failure prepare_data_directory(const std::string& path);

/// Whether prepare_data_directory() would succeed, as far as can be seen without changing anything.
Failure check_data_directory(const std::string& path);

}  // namespace postofficed
