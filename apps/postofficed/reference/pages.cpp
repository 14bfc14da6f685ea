// Files of this project that list the options.
#include <string>

#include "reference/reference.hpp"

namespace postofficed {
namespace {

std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

std::string code(const std::string& text) { return "`" + cell(text) + "`"; }

// validate reads all, and a group stands for its commands.
std::string readers(const Specification& row) {
  std::string text, last;
  for (const auto& name : readers_of(row)) {
    const auto word = name.substr(0, name.find(' '));
    if (word == "validate" || word == last) continue;
    text += (text.empty() ? "" : ", ") + word;
    last = word;
  }
  return text;
}

std::string option_row(const Specification& row) {
  const auto fallback = default_of(row);
  return "| " + code(flag_of(row)) + " | " + code(environment_name(row.key)) + " | " +
         (fallback.empty() ? "none" : code(fallback)) + " | " + cell(help_of(row)) + " | " +
         readers(row) + " | " + (row.reloads ? "reload" : "restart") + " |\n";
}

std::string command_rows() {
  std::string text = "| command | does |\n|---|---|\n";
  for (const auto& command : commands())
    text += "| " + code(synopsis_of(command)) + " | " + cell(command.help) + " |\n";
  return text;
}

std::string commented(const std::string& text) { return "# " + wrapped(text, 98, "# ", 2) + "\n"; }

}  // namespace

std::string options_page() {
  std::string text =
      "# Commands and options\n\n"
      "Made from the daemon's own tables by `postofficed help --format=markdown`; a test keeps it "
      "so.\n\n" +
      command_rows() +
      "\nEvery command takes every option, so that one configuration serves all of them. The table "
      "names the\ncommands that an option matters to, beside `validate`, and whether SIGHUP is "
      "enough for a change\n(*reload*) or the daemon must be started again (*restart*). In the "
      "config file an option has the\nname of its flag without the dashes.\n\n"
      "| option | environment variable | default | meaning | read by | to change it |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& row : specifications()) text += option_row(row);
  text +=
      "| `--config PATH` | `POSTOFFICE_CONFIG` | none | The config file | all commands | "
      "restart |\n";
  for (const auto& section : sections()) {
    text += std::string("\n## ") + section.title + "\n\n" + wrapped(section.text, 100, "") + "\n";
  }
  return text;
}

std::string environment_file() {
  std::string text =
      "# Every option of postofficed as an environment variable, with its default. Made by\n"
      "# `postofficed help --format=env`. Take the # away from a line to change that option; "
      "compose\n"
      "# passes on those that compose.yaml names.\n";
  for (const auto& row : specifications()) {
    text += "\n" + commented(help_of(row) + (row.reloads ? "" : " (takes a restart)")) + "#" +
            environment_name(row.key) + "=" + (row.fallback ? row.fallback : "") + "\n";
    if (!row.fallback || !*row.fallback) {
      const auto fallback = default_of(row);
      if (!fallback.empty()) text += "# without it: " + fallback + "\n";
    }
    if (row.secret) text += "#" + environment_name(row.key) + "_FILE=\n";
  }
  return text;
}

}  // namespace postofficed
