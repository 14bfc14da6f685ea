// The configuration that holds, as a config file.
#pragma once

#include <string>

#include "options/options.hpp"

namespace postofficed {

/// Lines that --config takes, each below a comment that says where the value comes from. Passwords
/// are hidden; what was read from a file of its own is named by that file, and stays usable.
std::string show_as_config(const ParsedOptions& parsed);

}  // namespace postofficed
