#include "options/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "options/specification.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

constexpr const char* footer = R"(
Every option can also be given as an environment variable (POSTOFFICE_LISTEN, …) or in the
config file (listen = …). The command line overrides the environment, which overrides the file.
--store and --queue have a form that names a file holding the value: --store-file,
POSTOFFICE_STORE_FILE, store-file.

Signals: TERM and INT stop gracefully; a second one stops at once (exit code 128 + its number).
HUP reads the configuration again.
Exit codes: 0 success, 64 wrong usage, 69 a needed service is unavailable, 74 the journal cannot be
read or written, 78 the configuration is wrong.)";

// CLI11 reads the flags only. It could read environment and config file too, but lets the file win
// over the environment, which is not our order.
class Parser {
 public:
  Parser() {
    app_.fallthrough();
    app_.require_subcommand(0, 1);
    app_.set_version_flag("--version", std::string("postofficed ") + postoffice::version());
    app_.footer(footer);
    app_.get_formatter()->column_width(34);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    add_options();
    add_commands();
  }

  std::variant<CommandLine, Information, Problems> read(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
      app_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
      return Information{app_.help()};
    } catch (const CLI::CallForVersion& version) {
      return Information{std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
      return Problems{ExitCode::usage, {std::string(error.what()) + " (see postofficed --help)"}};
    }
    return result();
  }

 private:
  void add_options() {
    for (const auto& row : specifications()) {
      const std::string flag = std::string("--") + row.key;
      const bool shown = row.fallback && *row.fallback && row.value;
      // Const, lest add_flag() takes it for the variable to put the flag in.
      const std::string help =
          shown ? std::string(row.help) + " [" + row.fallback + "]" : std::string(row.help);
      if (!row.value) {
        given_[row.key] = app_.add_flag(flag, help);
      } else {
        given_[row.key] = add_text(row.key, help)->type_name(row.value);
      }
      if (!row.secret) continue;
      const std::string key = std::string(row.key) + "-file";
      given_[key] = add_text(key, "A file that holds the value of " + flag)->type_name("PATH");
    }
    given_["config"] = add_text("config", "A file of \"key = value\" lines")->type_name("PATH");
  }

  CLI::Option* add_text(const std::string& key, const std::string& help) {
    return app_.add_option("--" + key, texts_[key], help);
  }

  CLI::App* add_command(CLI::App& parent, const char* name, const char* help, Command command) {
    auto* child = parent.add_subcommand(name, help)->group("Commands");
    child->callback([this, command] { line_.command = command; });
    return child;
  }

  CLI::App& add_group(const char* name, const char* help) {
    auto* group = app_.add_subcommand(name, help)->group("Commands");
    group->require_subcommand(1);
    return *group;
  }

  void add_letters(CLI::App& group, const char* name, const char* help, Command which) {
    auto* command = add_command(group, name, help, which);
    command->add_option("ids", line_.arguments, "Ids of objects")->type_name("ID");
    command->add_option("--id", line_.ids, "The same: one or more of them")
        ->type_name("ID")
        ->delimiter(',')
        ->expected(1, CLI::detail::expected_max_vector_size);
    command->add_option("--reason", line_.reason, "Those whose reason contains this text")
        ->type_name("TEXT");
    command->add_option("--since", line_.since, "Those given up so long ago at most (30s, 5m, 1h)")
        ->type_name("DURATION");
    command->add_flag("--all", line_.all, "All of them");
    command->add_flag("--dry-run", line_.dry_run, "Only say how many there are");
    command->add_flag("--json", line_.json, "As JSON, one object per line");
  }

  void add_commands() {
    add_command(app_, "run", "Accept, fetch, store and expire in one process (the default)",
                Command::run);
    add_command(app_, "serve", "Accept callbacks and publish them (needs a broker)",
                Command::serve);
    add_command(app_, "worker", "Fetch and store what was published (needs a broker)",
                Command::worker)
        ->add_option("n", line_.arguments, "Fetches in flight, as --fetch-concurrency")
        ->type_name("N")
        ->expected(0, 1);
    add_command(app_, "migrate", "Create or upgrade the store's schema", Command::migrate);
    add_command(app_, "validate", "Check the configuration and report errors", Command::validate)
        ->add_flag("--online", line_.online, "Also connect to the database, without changing it");

    auto& journal = add_group("journal", "Inspect the file queue, with the daemon up or down");
    add_command(journal, "verify", "Check every record", Command::journal_verify);
    add_command(journal, "dump", "Print every record, one JSON object per line",
                Command::journal_dump);
    add_command(journal, "stat", "Show what it holds, and how much", Command::journal_stat)
        ->add_flag("--json", line_.json, "As JSON");

    auto* self_test = add_command(
        app_, "self-test", "Test whether a queue is safe on the disk of DIR", Command::self_test);
    self_test->add_option("dir", line_.arguments, "An existing directory; it is left unchanged")
        ->type_name("DIR")
        ->required()
        ->expected(1);
    self_test->add_option("--crashes", line_.crashes, "Number of times a process is killed [20]")
        ->type_name("N");

    auto& letters = add_group("dead-letters", "Ids that were given up");
    add_letters(letters, "list", "Show them: why, how often and until when each was tried",
                Command::dead_letters_list);
    add_letters(letters, "replay", "Append them to the queue again, as received now",
                Command::dead_letters_replay);
    add_letters(letters, "drop", "Delete them", Command::dead_letters_drop);

    auto& instances = add_group("instances", "Daemons that share one database");
    add_command(instances, "list", "Show them", Command::instances_list)
        ->add_flag("--json", line_.json, "As JSON, one object per line");
    auto* retire = add_command(instances, "retire", "Remove one that will not come back",
                               Command::instances_retire);
    retire->add_flag("--force", line_.force, "Although it is alive");
    retire->add_flag("--json", line_.json, "As JSON");
    retire->add_option("instance", line_.arguments, "Its name or id, as `list` shows them")
        ->type_name("INSTANCE")
        ->required()
        ->expected(1);
  }

  CommandLine result() {
    for (const auto& [key, option] : given_) {
      if (option->count() > 0) line_.values[key] = option->results().back();
    }
    return std::move(line_);
  }

  CLI::App app_{"Accepts callbacks durably, fetches the objects they name, and stores them.",
                "postofficed"};
  std::map<std::string, CLI::Option*> given_;
  std::map<std::string, std::string> texts_;  // CLI11 wants a place for each; results() is read
  CommandLine line_;
};

}  // namespace

std::variant<CommandLine, Information, Problems> read_command_line(
    std::vector<std::string> arguments) {
  return Parser().read(std::move(arguments));
}

}  // namespace postofficed
