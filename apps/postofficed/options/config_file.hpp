// The config file: `key = value` lines.
#pragma once

#include <string>
#include <vector>

#include "exit_code.hpp"

namespace postofficed {

struct ConfigEntry {
  std::string key;
  std::string value;
  int line = 0;
};

/// Reads lines of `key = value`. Empty lines and lines that begin with '#' are skipped; spaces
/// around key and value go; a value may stand in double quotes to keep its own. There are no
/// escapes and no trailing comments, so that a password needs no quoting whatever is in it.
/// Problems ("3: no '=' in it") are added to `problems`, each with its line.
std::vector<ConfigEntry> read_config(const std::string& text, std::vector<std::string>& problems);

/// The whole file, or the system's reason.
Result<std::string> read_file(const std::string& path);

}  // namespace postofficed
