// The help text in a terminal.
#include <algorithm>
#include <string>
#include <vector>

#include "reference/reference.hpp"

namespace postofficed {
namespace {

constexpr std::size_t width = 100;
constexpr std::size_t column = 34;

std::string whole(const std::string& text) { return wrapped(text, width, "") + "\n"; }

std::string line(const std::string& name, const std::string& text) {
  std::string result = "  " + name;
  if (result.size() + 2 > column) {
    result += "\n" + std::string(column, ' ');
  } else {
    result.resize(column, ' ');
  }
  return result + wrapped(text, width, std::string(column, ' '), column) + "\n";
}

std::string line(const Specification& row) {
  const auto fallback = default_of(row);
  const bool shown = !fallback.empty() && row.value;
  return line(flag_of(row), help_of(row) + (shown ? " [" + fallback + "]" : ""));
}

std::string lines(std::span<const Argument> arguments) {
  std::string text;
  for (const auto& argument : arguments) text += line(flag_of(argument), argument.help);
  return text;
}

std::string options_read_by(unsigned reads) {
  std::string text;
  for (const auto& row : specifications()) {
    if ((row.readers & reads) != 0) text += line(row);
  }
  return text;
}

std::string common_lines() {
  return line("--config PATH", "A file of \"key = value\" lines") + lines(common_flags()) +
         line("-h, --help", "Describe the command and its options") +
         line("--version", "Print the version");
}

std::string help_of_command(const CommandSpecification& command) {
  std::string text =
      whole(command.help + std::string(".")) + "\nUsage: " + synopsis_of(command) + "\n";
  if (!command.arguments.empty()) text += "\n" + lines(command.arguments);
  if (command.reads == 0) return text;
  text +=
      "\nOptions that it reads; it takes all others, too, so that one configuration serves all "
      "commands\n(also POSTOFFICE_…=, or a line of the config file):\n";
  return text + options_read_by(command.reads) + common_lines() +
         "\nAn option that may hold a password also has the form --…-file PATH.\n";
}

std::string help_of_group(const CommandGroup& group) {
  std::string text =
      whole(group.help + std::string(".")) + "\nUsage: postofficed " + group.name + " COMMAND\n\n";
  for (const auto& command : commands()) {
    if (command.group() == group.name) text += line(std::string(command.word()), command.help);
  }
  return text + "\npostofficed " + group.name + " COMMAND --help lists the options of one.\n";
}

std::string list_of_commands() {
  std::string text = "\nCommands (postofficed COMMAND --help lists the options of one):\n";
  for (const auto& command : commands()) text += line(command.name, command.help);
  return text;
}

std::string help_of_all() {
  std::string text =
      "Accepts callbacks durably, fetches the objects they name, and stores them.\n\n"
      "Usage: postofficed [COMMAND] [OPTIONS]\n" +
      list_of_commands() + "\nOptions:\n" + options_read_by(~0u) + common_lines();
  for (const auto& section : sections()) {
    text += std::string("\n") + section.title + ":\n" + whole(section.text);
  }
  return text;
}

}  // namespace

std::string help_text(const std::vector<std::string>& words) {
  std::string name;
  for (const auto& word : words) name += (name.empty() ? "" : " ") + word;
  if (const auto* command = find_command(name)) return help_of_command(*command);
  for (const auto& group : command_groups()) {
    if (name == group.name) return help_of_group(group);
  }
  return help_of_all();
}

}  // namespace postofficed
