#include "options/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "options/command_table.hpp"
#include "options/nearest.hpp"
#include "options/specification.hpp"
#include "postoffice/version.hpp"
#include "reference/reference.hpp"

namespace postofficed {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string see_help(const std::string& command = {}) {
  return " (see postofficed " + (command.empty() ? "" : command + " ") + "--help)";
}

/// All flags of all commands; and whether a word follows each.
class KnownFlags {
 public:
  KnownFlags() {
    for (const auto& row : specifications()) {
      add(std::string("--") + row.key, row.value != nullptr);
      if (row.secret) add(std::string("--") + row.key + "-file", true);
    }
    for (const char* flag : {"--help", "--version"}) add(flag, false);
    add("--config", true);
    add(common_flags());
    for (const auto& row : commands()) add(row.arguments);
  }

  bool contains(const std::string& flag) const { return takes_word_.contains(flag); }
  bool takes_word(const std::string& flag) const {
    const auto found = takes_word_.find(flag);
    return found == takes_word_.end() || found->second;
  }
  /// The flag that was probably meant; empty: nobody knows.
  std::string nearest_to(const std::string& flag) const {
    const auto name = nearest(flag.substr(2), names_);
    return name.empty() ? name : "--" + name;
  }

 private:
  void add(const std::string& flag, bool takes_word) {
    if (takes_word_.try_emplace(flag, takes_word).second) names_.push_back(flag.substr(2));
  }
  void add(std::span<const Argument> arguments) {
    for (const auto& argument : arguments) {
      if (argument.is_flag()) add(argument.name, argument.value != nullptr);
    }
  }

  std::map<std::string, bool> takes_word_;
  std::vector<std::string> names_;  // without dashes
};

/// Takes the flags out that no command has, each with the word that was meant for it.
std::vector<std::string> take_unknown_flags(std::vector<std::string>& words) {
  const KnownFlags known;
  std::vector<std::string> problems, left;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      left.insert(left.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    const std::string flag = word.substr(0, word.find('='));
    if (!word.starts_with("--") || known.contains(flag)) {
      left.push_back(word);
      continue;
    }
    const auto meant = known.nearest_to(flag);
    problems.push_back(flag + ": there is no such option" +
                       (meant.empty() ? see_help() : "; did you mean " + meant + "?"));
    const bool alone = flag.size() == word.size() && (meant.empty() || known.takes_word(meant));
    const bool value_follows = alone && i + 1 < words.size() && !words[i + 1].starts_with("-") &&
                               !find_command(words[i + 1]);
    if (value_follows) ++i;
  }
  words = std::move(left);
  return problems;
}

// CLI11 reads the flags only. It could read environment and config file too, but lets the file win
// over the environment, which is not our order. It stops at the first mistake, so that what is
// missing or too much is looked for here.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.set_version_flag("--version", std::string("postofficed ") + postoffice::version());
    app_.fallthrough();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    app_.add_flag("-h,--help", help_);
    add_options();
    add(app_, common_flags());
    for (const auto& row : commands()) add(row);
  }

  std::variant<CommandLine, Information> read(std::vector<std::string> words) {
    line_.problems = take_unknown_flags(words);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
      app_.parse(words);
    } catch (const CLI::CallForVersion& version) {
      return Information{std::string(version.what()) + "\n"};
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string text = error.what();
      problem(text.substr(0, text.find(':')) + ": its value is missing" + see_help());
    } catch (const CLI::ParseError& error) {
      problem(error.what() + see_help());
    }
    if (help_) return Information{help_text(chosen())};
    if (line_.problems.empty() || !app_.remaining(true).empty()) check_words();
    return result();
  }

 private:
  void problem(std::string text) { line_.problems.push_back(std::move(text)); }

  void add_options() {
    for (const auto& row : specifications()) {
      const std::string flag = std::string("--") + row.key;
      given_[row.key] = row.value ? add_text(row.key) : app_.add_flag(flag);
      if (row.secret)
        given_[std::string(row.key) + "-file"] = add_text(std::string(row.key) + "-file");
    }
    given_["config"] = add_text("config");
  }

  CLI::Option* add_text(const std::string& key) { return app_.add_option("--" + key, texts_[key]); }

  void add(CLI::App& app, std::span<const Argument> arguments) {
    for (const auto& argument : arguments) {
      std::visit([&](auto member) { add(app, argument, line_.*member); }, argument.target);
    }
  }
  static void add(CLI::App& app, const Argument& argument, bool& target) {
    app.add_flag(argument.name, target);
  }
  template <typename Target>
  static void add(CLI::App& app, const Argument& argument, Target& target) {
    auto* option = app.add_option(argument.name, target);
    const int most = static_cast<int>(argument.most);
    if (!argument.is_flag()) {
      option->expected(0, most);
    } else if constexpr (std::is_same_v<Target, std::vector<std::string>>) {
      option->delimiter(',')->expected(1, most);
    }
  }

  void add(const CommandSpecification& row) {
    CLI::App* parent = &app_;
    const std::string group(row.group());
    if (!group.empty()) {
      const auto [place, added] = groups_.try_emplace(group);
      if (added) place->second = app_.add_subcommand(group)->require_subcommand(0, 1);
      parent = place->second;
    }
    auto* child = parent->add_subcommand(std::string(row.word()));
    child->parse_complete_callback([this, command = row.command] { line_.command = command; });
    add(*child, row.arguments);
  }

  /// The words of the command that was chosen, the group's first.
  std::vector<std::string> chosen() const {
    std::vector<std::string> words;
    for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
      app = app->get_subcommands().front();
      words.push_back(app->get_name());
    }
    return words;
  }

  // What CLI11 had no place for, and what is missing.
  void check_words() {
    const auto words = chosen();
    std::string name;
    for (const auto& word : words) name += (name.empty() ? "" : " ") + word;
    const auto* row = find_command(name);
    const auto left = app_.remaining(true);
    if (!row && (!words.empty() || !left.empty())) return check_command(name, left);
    for (const auto& word : left) {
      const std::string command = row ? row->name : "run";
      problem(word + ": " + command + " takes no such argument" + see_help(command));
    }
    if (row) check_amount(*row);
  }

  void check_command(const std::string& group, const std::vector<std::string>& left) {
    const auto words = words_of(group);
    const bool whole = group.empty();
    if (left.empty()) return problem(group + " needs one of " + join(words) + see_help(group));
    const std::string word = left.front();
    if (word.starts_with("-")) return problem(word + ": there is no such option" + see_help(group));
    auto meant = nearest(word, words);
    if (meant.empty() && whole) meant = command_with(word);
    problem((whole ? word : group + " " + word) + ": there is no such command; " +
            (meant.empty() ? (whole ? "the commands are " : group + " has ") + join(words)
                           : "did you mean " + meant + "?"));
  }

  /// "replya" → "dead-letters replay".
  static std::string command_with(const std::string& word) {
    for (const auto& row : commands()) {
      const std::vector<std::string> last{std::string(row.word())};
      if (!nearest(word, last).empty()) return row.name;
    }
    return {};
  }

  void check_amount(const CommandSpecification& row) {
    for (const auto& argument : row.arguments) {
      if (!argument.is_flag() && line_.arguments.size() < argument.least)
        problem(std::string(row.name) + " needs " + argument.name + see_help(row.name));
    }
  }

  CommandLine result() {
    for (const auto& [key, option] : given_) {
      if (option->count() > 0) line_.values[key] = option->results().back();
    }
    return std::move(line_);
  }

  CLI::App app_{"", "postofficed"};
  std::map<std::string, CLI::App*> groups_;
  std::map<std::string, CLI::Option*> given_;
  std::map<std::string, std::string> texts_;  // CLI11 wants a place for each; results() is read
  bool help_ = false;
  CommandLine line_;
};

}  // namespace

std::variant<CommandLine, Information> read_command_line(const std::vector<std::string>& words) {
  return Parser().read(words);
}

}  // namespace postofficed
