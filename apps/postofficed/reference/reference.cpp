#include "reference/reference.hpp"

#include <algorithm>
#include <cstring>
#include <map>

namespace postofficed {

std::string flag_of(const Specification& row) {
  return std::string("--") + row.key + (row.value ? std::string(" ") + row.value : "");
}

std::string flag_of(const Argument& argument) {
  return argument.name + (argument.value ? std::string(" ") + argument.value : "");
}

// Where a default depends on other options, or is none, the help text ends by it.
std::string default_of(const Specification& row) {
  if (row.fallback && *row.fallback) return row.fallback;
  const std::string help = row.help;
  const auto begin = help.rfind('[');
  if (begin == std::string::npos || help.back() != ']') return {};
  return help.substr(begin + 1, help.size() - begin - 2);
}

std::string help_of(const Specification& row) {
  const std::string help = row.help;
  const bool fixed = row.fallback && *row.fallback;
  if (fixed || default_of(row).empty()) return help;
  return help.substr(0, help.rfind('[') - 1);
}

std::string synopsis_of(const CommandSpecification& command) {
  std::string text = std::string("postofficed ") + command.name;
  for (const auto& argument : command.arguments) {
    const bool needed = !argument.is_flag() && argument.least > 0;
    const char* more = !argument.is_flag() && argument.most > 1 ? "…" : "";
    text += needed ? " " + flag_of(argument) + more : " [" + flag_of(argument) + more + "]";
  }
  return text + (command.reads != 0 ? " [OPTIONS]" : "");
}

std::vector<std::string> readers_of(const Specification& row) {
  std::vector<std::string> names;
  for (const auto& command : commands()) {
    if ((command.reads & row.readers) != 0) names.emplace_back(command.name);
  }
  return names;
}

std::vector<std::string> choices_of(const char* value) {
  if (!value) return {"true", "false"};
  if (!std::strchr(value, '|')) return {};
  std::vector<std::string> choices;
  std::string word;
  for (const char* c = value;; ++c) {
    if (*c && *c != '|') {
      word += *c;
      continue;
    }
    choices.push_back(std::move(word));
    word.clear();
    if (!*c) return choices;
  }
}

std::string wrapped(const std::string& text, std::size_t width, const std::string& before,
                    std::size_t used) {
  std::string result;
  bool first = true;  // on its line
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(' ', begin), text.size());
    const auto word = text.substr(begin, end - begin);
    begin = end + 1;
    if (!first && used + 1 + word.size() > width) {
      result += "\n" + before;
      used = before.size();
      first = true;
    }
    result += first ? word : " " + word;
    used += word.size() + (first ? 0 : 1);
    first = false;
  }
  return result;
}

std::vector<Section> sections() {
  return {
      {"Where options come from",
       "Every option can be given on the command line (--ttl 30s), as an environment variable "
       "(POSTOFFICE_TTL=30s), or as a line of the config file (ttl = 30s) that --config or "
       "POSTOFFICE_CONFIG names. The command line overrides the environment, which overrides the "
       "file. An empty variable counts as none. A name that is unknown is an error everywhere, so "
       "that a misspelt one is never ignored."},
      {"Config file",
       "One `key = value` a line, with the names of the options without dashes; # begins a line "
       "that is skipped. A value may stand in double quotes to keep spaces around it. There are no "
       "escapes and no trailing comments."},
      {"Secrets",
       "An option that may hold a password has a second form that names a file holding the value: "
       "--store-file, POSTOFFICE_STORE_FILE, store-file. Passwords and tokens are hidden wherever "
       "values are shown."},
      {"Values",
       "A DURATION is a whole number with its unit: 500ms, 30s, 5m, 1h. A SIZE is bytes, or a "
       "whole number with its unit: 512MiB, 10GiB."},
      {"Signals",
       "TERM and INT stop gracefully; a second one stops at once (exit code 128 and its number). "
       "HUP reads the configuration again: if all of it is valid, the daemon takes over what can "
       "change while it runs, and logs each change, and what has to wait for the next start; "
       "otherwise it logs the mistakes and changes nothing."},
      {"Exit codes",
       "0 success, 64 wrong usage, 69 a needed service is unavailable, 74 the journal cannot be "
       "read or written, 78 the configuration is wrong."},
  };
}

std::optional<std::string> reference_text(const std::string& format) {
  const std::map<std::string, std::string (*)()> formats{
      {"text", [] { return help_text({}); }},
      {"man", manual_page},
      {"markdown", options_page},
      {"env", environment_file},
      {"bash", bash_completion},
      {"zsh", zsh_completion},
      {"fish", fish_completion},
  };
  const auto found = formats.find(format);
  if (found == formats.end()) return std::nullopt;
  return found->second();
}

}  // namespace postofficed
