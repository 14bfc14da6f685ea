// Completions for shells. The scripts hold the tables; the shells do the rest.
#include <algorithm>
#include <cstring>
#include <string>

#include "reference/reference.hpp"

namespace postofficed {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool is_path(const char* value) {
  return value &&
         (!std::strcmp(value, "PATH") || !std::strcmp(value, "DIR") || !std::strcmp(value, "FILE"));
}

/// A flag as all commands have it, or only some.
struct Flag {
  std::string name;  // without dashes
  const char* value;
  std::string help;
  std::vector<std::string> choices{};
};

std::vector<Flag> flags_of_all() {
  std::vector<Flag> flags;
  for (const auto& row : specifications()) {
    flags.push_back({row.key, row.value, help_of(row),
                     row.value ? choices_of(row.value) : std::vector<std::string>()});
    if (row.secret)
      flags.push_back({std::string(row.key) + "-file", "PATH", "A file that holds it"});
  }
  flags.push_back({"config", "PATH", "A file of key = value lines"});
  for (const auto& flag : common_flags()) flags.push_back({flag.name + 2, nullptr, flag.help});
  flags.push_back({"help", nullptr, "Describe the command and its options"});
  flags.push_back({"version", nullptr, "Print the version"});
  return flags;
}

std::vector<Flag> flags_of(const CommandSpecification& command) {
  std::vector<Flag> flags;
  for (const auto& argument : command.arguments) {
    if (!argument.is_flag()) continue;
    flags.push_back({argument.name + 2, argument.value, argument.help,
                     argument.value ? choices_of(argument.value) : std::vector<std::string>()});
  }
  return flags;
}

std::vector<std::string> names(const std::vector<Flag>& flags) {
  std::vector<std::string> result;
  for (const auto& flag : flags) result.push_back("--" + flag.name);
  return result;
}

std::string bash_values(const std::vector<Flag>& flags) {
  std::string text;
  for (const auto& flag : flags) {
    if (!flag.value) continue;
    const std::string words =
        is_path(flag.value) ? "$(compgen -f -- \"$word\")" : joined(flag.choices);
    text += "    --" + flag.name + ") words=\"" + words + "\" ;;\n";
  }
  return text;
}

// In single quotes, for zsh and fish.
std::string quoted(const std::string& text, const char* special = "") {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
      continue;
    }
    if (std::strchr(special, c)) result += '\\';
    result += c;
  }
  return result + "'";
}

std::string zsh_flag(const Flag& flag) {
  std::string text = "--" + flag.name + (flag.value ? "=" : "") + "[" + flag.help + "]";
  std::string spec = quoted(text, ":");
  if (!flag.value) return spec;
  const std::string action = is_path(flag.value)     ? "_files"
                             : !flag.choices.empty() ? "(" + joined(flag.choices) + ")"
                                                     : "";
  return spec.substr(0, spec.size() - 1) + ":" +
         std::string(flag.choices.empty() ? flag.value : "value") + ":" + action + "'";
}

std::string fish_flag(const Flag& flag, const std::string& condition) {
  std::string text = "complete -c postofficed" + condition + " -l " + flag.name;
  if (flag.value) {
    text += is_path(flag.value)     ? " -r -F"
            : !flag.choices.empty() ? " -x -a " + quoted(joined(flag.choices))
                                    : " -x";
  }
  return text + " -d " + quoted(flag.help) + "\n";
}

constexpr const char* made = "# Made by `postofficed help --format=";

}  // namespace

std::string bash_completion() {
  std::string text = std::string(made) + R"(bash`.
_postofficed() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" words="" i
  # A word that '=' splits is one to us.
  [ "$word" = "=" ] && word=""
  [ "$before" = "=" ] && before=${COMP_WORDS[COMP_CWORD - 2]}
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${COMP_WORDS[i]}" in
)";
  std::string patterns;
  for (const auto& word : words_of())
    patterns += (patterns.empty() ? "\" " : " | \" ") + word + "\"";
  for (const auto& group : command_groups()) {
    for (const auto& word : words_of(group.name)) {
      patterns += std::string(" | \"") + group.name + " " + word + "\"";
    }
  }
  text += "      " + patterns + R"()
        command="${command:+$command }${COMP_WORDS[i]}" ;;
    esac
  done
  case "$before" in
)";
  auto all = flags_of_all();
  std::vector<std::string> seen;
  for (const auto& command : commands()) {
    for (auto& flag : flags_of(command)) {
      if (!flag.value || std::find(seen.begin(), seen.end(), flag.name) != seen.end()) continue;
      seen.push_back(flag.name);
      all.push_back(flag);
    }
  }
  text += bash_values(all) + R"(    *)
      case "$command" in
        "") words=")" +
          joined(words_of()) + "\" ;;\n";
  for (const auto& group : command_groups()) {
    text += std::string("        ") + group.name + ") words=\"" + joined(words_of(group.name)) +
            "\" ;;\n";
  }
  for (const auto& command : commands()) {
    const auto own = flags_of(command);
    if (own.empty()) continue;
    text +=
        std::string("        \"") + command.name + "\") words=\"" + joined(names(own)) + "\" ;;\n";
  }
  text += R"(      esac
      case "$word" in -*) words="$words )" +
          joined(names(flags_of_all())) + R"(" ;; esac ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _postofficed postofficed
)";
  return text;
}

std::string zsh_completion() {
  std::string text = std::string("#compdef postofficed\n") + made +
                     "zsh`.\n_postofficed() {\n  local context state line\n  local -a options "
                     "commands\n  options=(\n";
  for (const auto& flag : flags_of_all()) text += "    " + zsh_flag(flag) + "\n";
  text += "  )\n  case \"${words[2]} ${words[3]}\" in\n";
  for (const auto& command : commands()) {
    const auto own = flags_of(command);
    if (own.empty()) continue;
    const bool two = !command.group().empty();
    text += "    " + quoted(std::string(command.name) + (two ? "" : " ")) + (two ? "" : "*") +
            ") options+=(";
    for (const auto& flag : own) text += " " + zsh_flag(flag);
    text += " ) ;;\n";
  }
  text += "  esac\n  case \"${words[2]}\" in\n";
  for (const auto& group : command_groups()) {
    text += std::string("    ") + group.name + ") commands=(";
    for (const auto& command : commands()) {
      if (command.group() == group.name)
        text += " " + quoted(std::string(command.word()) + ":" + command.help);
    }
    text += " ) ;;\n";
  }
  text += "    *) commands=(";
  for (const auto& command : commands()) {
    if (command.group().empty())
      text += " " + quoted(std::string(command.name) + ":" + command.help);
  }
  for (const auto& group : command_groups())
    text += " " + quoted(std::string(group.name) + ":" + group.help);
  return text + R"( ) ;;
  esac
  _arguments -s "${options[@]}" '*::command:{ _describe command commands }'
}
_postofficed "$@"
)";
}

std::string fish_completion() {
  std::string text = std::string(made) + "fish`.\ncomplete -c postofficed -f\n";
  const std::string none = " -n __fish_use_subcommand";
  const auto after = [](std::string_view word) {
    return " -n '__fish_seen_subcommand_from " + std::string(word) + "'";
  };
  for (const auto& group : command_groups()) {
    text +=
        "complete -c postofficed" + none + " -a " + group.name + " -d " + quoted(group.help) + "\n";
  }
  for (const auto& command : commands()) {
    const auto where = command.group().empty() ? none : after(command.group());
    text += "complete -c postofficed" + where + " -a " + std::string(command.word()) + " -d " +
            quoted(command.help) + "\n";
    for (const auto& flag : flags_of(command)) text += fish_flag(flag, after(command.word()));
  }
  for (const auto& flag : flags_of_all()) text += fish_flag(flag, "");
  return text;
}

}  // namespace postofficed
