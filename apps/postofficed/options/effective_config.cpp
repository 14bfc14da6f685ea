#include "options/effective_config.hpp"

#include "options/command_table.hpp"
#include "options/redaction.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

// Spaces around it, or quotes of its own, would be taken off.
std::string config_value(const std::string& text) {
  const bool bare = text.find_first_not_of(" \t\r") == 0 &&
                    text.find_last_not_of(" \t\r") == text.size() - 1 &&
                    !(text.front() == '"' && text.back() == '"');
  return bare ? text : "\"" + text + "\"";
}

std::string entry(const ShownOption& option) {
  std::string text = "\n# " + option.origin;
  if (!option.file.empty()) {
    return text + "\n" + option.name + "-file = " + config_value(option.file) + "\n";
  }
  if (option.value.find(hidden) != std::string::npos) text += "; what is secret is hidden";
  text += "\n";
  // A value that only a variable can hold, or none at all.
  const bool fits = !option.value.empty() && option.value.find('\n') == std::string::npos;
  if (!fits) text += "# ";
  std::string value = option.value;
  for (char& c : value) {
    if (c == '\n') c = ' ';
  }
  return text + option.name + " = " + (value.empty() ? value : config_value(value)) + "\n";
}

}  // namespace

std::string show_as_config(const ParsedOptions& parsed) {
  const auto& command = find_command(parsed.options.command);
  std::string text = std::string("# Configuration of postofficed ") + command.name + " (" +
                     postoffice::version() + "). Above each value: where it comes from.\n";
  for (const auto& option : parsed.shown) text += entry(option);
  return text;
}

}  // namespace postofficed
