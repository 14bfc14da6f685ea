// The command line: which command, and the options as written.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

/// Members that single commands fill are named in the table of commands (command_table.hpp).
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
  bool print_config = false;
  std::vector<std::string> arguments;  ///< of the command: ids, N, DIR, or INSTANCE
  std::string crashes;
  bool once = false;
  std::string interval;
  std::string seconds;
  std::string compare;
  std::string format;  ///< of help

  std::vector<std::string> problems;  ///< each is wrong usage
};

/// Takes the command line apart; values are not looked at.
std::variant<CommandLine, Information> read_command_line(const std::vector<std::string>& words);

}  // namespace postofficed
