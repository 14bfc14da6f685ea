// What is wrong with a configuration, as far as nobody else need be asked.
#pragma once

#include <string>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

/// A line for each mistake: of a single part, or of options that cannot work together. Connects to
/// nothing and changes nothing.
std::vector<std::string> find_mistakes(const Options& options);

}  // namespace postofficed
