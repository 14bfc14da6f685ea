// The directory in which a daemon keeps its files.
#pragma once

#include <string>

#include "options/options.hpp"

namespace postofficed {

/// Creates the data directory (mode 0700) if it is missing. False with a `problem` if that fails
/// or nothing can be written in it.
bool prepare_data_directory(const std::string& path, std::string& problem);

/// Whether prepare_data_directory() would succeed, as far as that shows without changing anything.
bool check_data_directory(const std::string& path, std::string& problem);

}  // namespace postofficed
