// The command line: which command, and the options as written.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

struct CommandLine {
  Command command = Command::run;
  std::map<std::string, std::string> values;  ///< key, or "store-file" and its like, or "config"
  bool json = false;
  bool all = false;
  bool online = false;
  bool dry_run = false;
  bool force = false;
  std::vector<std::string> ids;  ///< of --id
  std::string reason;
  std::string since;
  std::vector<std::string> arguments;  ///< of the command: ids, N, DIR, or INSTANCE
  std::string crashes;
};

/// Takes the command line apart; values are not looked at. Problems are always ExitCode::usage.
std::variant<CommandLine, Information, Problems> read_command_line(
    std::vector<std::string> arguments);

}  // namespace postofficed
