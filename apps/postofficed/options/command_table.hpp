// The table of commands: one row is all there is to know about one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "options/command_line.hpp"
#include "options/specification.hpp"

namespace postofficed {

/// What a command takes besides the options. A name with dashes is a flag; any other stands for
/// words that stand by themselves.
struct Argument {
  const char* name;   ///< "--json", "ID"
  const char* value;  ///< what the help text calls the value of a flag; null for a switch
  const char* help;
  std::variant<bool CommandLine::*, std::string CommandLine::*,
               std::vector<std::string> CommandLine::*>
      target;
  std::size_t least = 0;  ///< words, if it is no flag; for one with several, `most` alone
  std::size_t most = 1;

  bool is_flag() const { return name[0] == '-'; }
};

struct CommandSpecification {
  const char* name;  ///< "run", "journal verify"
  Command command;
  unsigned reads;  ///< a set of Reader: the help text shows the options of these
  const char* help;
  std::span<const Argument> arguments{};

  /// "journal" of "journal verify"; empty for a command of one word.
  std::string_view group() const;
  std::string_view word() const;  ///< the last one
};

/// Commands of two words have a row for the first.
struct CommandGroup {
  const char* name;
  const char* help;
};

std::span<const CommandSpecification> commands();
std::span<const CommandGroup> command_groups();

/// The row of a command; null: there is none.
const CommandSpecification* find_command(std::string_view name);
const CommandSpecification& find_command(Command command);

/// What every command takes, besides the options: --config and its like.
std::span<const Argument> common_flags();

/// The words that may stand behind `group` (or behind the program's name).
std::vector<std::string> words_of(std::string_view group = {});

}  // namespace postofficed
