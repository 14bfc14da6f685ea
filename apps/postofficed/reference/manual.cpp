// The manual page, in mdoc(7).
#include <string>
#include <string_view>

#include "reference/reference.hpp"

namespace postofficed {
namespace {

// The day on which the page last changed; mdoc wants one.
constexpr const char* date = "November 28, 2026";

// What roff would take for its own.
std::string escaped(std::string text) {
  constexpr std::string_view dots = "…";
  for (auto at = text.find(dots); at != std::string::npos; at = text.find(dots, at))
    text.replace(at, dots.size(), "...");
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\': result += "\\e"; break;
      case '`': break;  // the manual has its own way to mark words
      case '-': result += "\\-"; break;
      default: result += c;
    }
  }
  if (!result.empty() && (result.front() == '.' || result.front() == '\'')) result.insert(0, "\\&");
  return result;
}

// None begins with what roff takes for its own: such a word is escaped where it stands.
std::string lines(const std::string& sentence) { return wrapped(escaped(sentence), 78, "") + "\n"; }

// Sentences begin on lines of their own.
std::string paragraph(const std::string& text) {
  std::string result;
  std::size_t begin = 0;
  for (;;) {
    const auto end = text.find(". ", begin);
    if (end == std::string::npos) break;
    result += lines(text.substr(begin, end + 1 - begin));
    begin = end + 2;
  }
  return result + lines(text.substr(begin));
}

std::string item(const std::string& name) { return ".It Sy " + escaped(name) + "\n"; }

std::string command_items() {
  std::string text = ".Bl -tag -width Ds\n";
  for (const auto& command : commands()) {
    text += item(synopsis_of(command).substr(sizeof "postofficed")) +
            paragraph(command.help + std::string("."));
    for (const auto& argument : command.arguments) {
      text += ".Pp\n.Sy " + escaped(flag_of(argument)) + " :\n" +
              paragraph(argument.help + std::string("."));
    }
  }
  return text + ".El\n";
}

std::string option_items() {
  std::string text = ".Bl -tag -width Ds\n";
  for (const auto& row : specifications()) {
    text += item(flag_of(row)) + paragraph(help_of(row) + ".");
    const auto fallback = default_of(row);
    if (!fallback.empty()) text += "Default: " + escaped(fallback) + ".\n";
    if (row.secret)
      text += "Also as " + escaped(std::string("--") + row.key + "-file PATH") + ".\n";
    if (row.reloads) text += "SIGHUP is enough to change it.\n";
  }
  text += item("--config PATH") + "The config file.\n";
  for (const auto& flag : common_flags())
    text += item(flag_of(flag)) + paragraph(flag.help + std::string("."));
  return text + item("--version") + "Print the version.\n" + item("-h, --help") +
         "Describe the command and its options.\n.El\n";
}

}  // namespace

std::string manual_page() {
  std::string text =
      ".\\\" Made by postofficed help --format=man.\n.Dd " + std::string(date) +
      "\n.Dt POSTOFFICED 8\n.Os\n.Sh NAME\n.Nm postofficed\n"
      ".Nd accepts callbacks durably, fetches the objects they name, and stores them\n"
      ".Sh SYNOPSIS\n.Nm\n.Op Ar command\n.Op Ar options\n.Sh DESCRIPTION\n"
      "Callbacks are HTTP requests that name objects.\n"
      "Each is on stable storage before it is answered.\n"
      "Then every object is fetched from the source and stored, and deleted when it\n"
      "has not been received for some time.\n.Ss Commands\n" +
      command_items() + ".Ss Options\n" + option_items();
  for (const auto& section : sections()) {
    const bool standard = std::string_view(section.title) == "Exit codes";
    text += standard ? ".Sh EXIT STATUS\n" : std::string(".Ss ") + section.title + "\n";
    text += paragraph(section.text);
  }
  return text +
         ".Sh EXAMPLES\n"
         "Everything in one process, with its files in a directory of its own:\n"
         ".Pp\n.Dl postofficed \\-\\-data\\-dir /var/lib/postoffice \\-\\-source "
         "http://localhost:9010/objects/{id}\n"
         ".Pp\nWhat would be used, and whether it works:\n"
         ".Pp\n.Dl postofficed validate \\-\\-online \\-\\-config /etc/postofficed.conf\n";
}

}  // namespace postofficed
