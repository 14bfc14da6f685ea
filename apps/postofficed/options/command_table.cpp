#include "options/command_table.hpp"

#include <algorithm>
#include <array>

namespace postofficed {
namespace {

constexpr std::size_t any_number = 1'000'000;

constexpr std::array worker_arguments{
    Argument{"N", nullptr, "Fetches in flight, as --fetch-concurrency", &CommandLine::arguments},
};

constexpr std::array validate_arguments{
    Argument{"--online", nullptr,
             "Also try it: listen on the ports, and reach source, database, broker and disk; "
             "nothing is changed",
             &CommandLine::online},
    Argument{"--json", nullptr, "As JSON, one object", &CommandLine::json},
};

constexpr std::array json_object{
    Argument{"--json", nullptr, "As JSON", &CommandLine::json},
};

constexpr std::array json_lines{
    Argument{"--json", nullptr, "As JSON, one object per line", &CommandLine::json},
};

constexpr std::array self_test_arguments{
    Argument{"DIR", nullptr, "An existing directory; it is left unchanged", &CommandLine::arguments,
             1},
    Argument{"--crashes", "N", "Number of times a process is killed [20]", &CommandLine::crashes},
    Argument{"--json", nullptr, "As one JSON object, to keep", &CommandLine::json},
};

constexpr std::array top_arguments{
    Argument{"--once", nullptr, "One screen, as plain text", &CommandLine::once},
    Argument{"--json", nullptr, "One screen, as one JSON object", &CommandLine::json},
    Argument{"--interval", "DURATION", "Time between two looks [1s]", &CommandLine::interval},
};

constexpr std::array bench_arguments{
    Argument{"DIR", nullptr, "A directory on the disk to measure [--data-dir]",
             &CommandLine::arguments},
    Argument{"--seconds", "N", "How long to measure [10]", &CommandLine::seconds},
    Argument{"--compare", "FILE", "Compare with what bench --json wrote", &CommandLine::compare},
    Argument{"--json", nullptr, "As one JSON object, to keep and to compare with",
             &CommandLine::json},
};

constexpr std::array letter_arguments{
    Argument{"ID", nullptr, "Ids of objects", &CommandLine::arguments, 0, any_number},
    Argument{"--id", "ID", "The same: one or more of them", &CommandLine::ids, 0, any_number},
    Argument{"--reason", "TEXT", "Those whose reason contains this text", &CommandLine::reason},
    Argument{"--since", "DURATION", "Those given up so long ago at most (30s, 5m, 1h)",
             &CommandLine::since},
    Argument{"--all", nullptr, "All of them", &CommandLine::all},
    Argument{"--dry-run", nullptr, "Only say how many there are", &CommandLine::dry_run},
    Argument{"--json", nullptr, "As JSON, one object per line", &CommandLine::json},
};

constexpr std::array retire_arguments{
    Argument{"INSTANCE", nullptr, "Its name or id, as `list` shows them", &CommandLine::arguments,
             1},
    Argument{"--force", nullptr, "Although it is alive", &CommandLine::force},
    Argument{"--json", nullptr, "As JSON", &CommandLine::json},
};

constexpr std::array help_arguments{
    Argument{"COMMAND", nullptr, "The command that it is about", &CommandLine::arguments, 0, 2},
    Argument{"--format", "text|man|markdown|env|bash|zsh|fish",
             "Everything about all commands and options: as a manual page, a table, an environment "
             "file, or completions for a shell",
             &CommandLine::format},
};

constexpr std::array common{
    Argument{"--print-config", nullptr,
             "Print the configuration that holds, as a config file, and exit; passwords are hidden",
             &CommandLine::print_config},
};

constexpr std::array groups{
    CommandGroup{"journal", "Inspect the file queue, with the daemon up or down"},
    CommandGroup{"dead-letters", "Ids that were given up"},
    CommandGroup{"instances", "Daemons that share one database"},
};

constexpr unsigned everything = reader::daemon | reader::accepting | reader::fetching |
                                reader::store | reader::queue | reader::place;
constexpr unsigned of_serve = everything & ~reader::fetching;
constexpr unsigned of_worker = everything & ~reader::accepting;

constexpr std::array table{
    CommandSpecification{"run", Command::run, everything,
                         "Accept, fetch, store and expire in one process (the default)"},
    CommandSpecification{"serve", Command::serve, of_serve,
                         "Accept callbacks and publish them (needs a broker)"},
    CommandSpecification{"worker", Command::worker, of_worker,
                         "Fetch and store what was published (needs a broker)", worker_arguments},
    CommandSpecification{"migrate", Command::migrate, reader::store | reader::place,
                         "Create or upgrade the store's schema", json_object},
    CommandSpecification{"validate", Command::validate, everything,
                         "Check the configuration and report errors", validate_arguments},
    CommandSpecification{"journal verify", Command::journal_verify, reader::queue | reader::place,
                         "Check every record", json_object},
    CommandSpecification{"journal dump", Command::journal_dump, reader::queue | reader::place,
                         "Print every record, one JSON object per line", json_lines},
    CommandSpecification{"journal stat", Command::journal_stat, reader::queue | reader::place,
                         "Show what it holds, and how much", json_object},
    CommandSpecification{"self-test", Command::self_test, 0,
                         "Test whether a queue is safe on the disk of DIR", self_test_arguments},
    CommandSpecification{"top", Command::top, reader::daemon | reader::place,
                         "Show the figures of a running daemon in this terminal", top_arguments},
    CommandSpecification{"bench", Command::bench, reader::place,
                         "Measure what this machine and disk promise, on a private instance",
                         bench_arguments},
    CommandSpecification{
        "dead-letters list", Command::dead_letters_list, reader::store | reader::place,
        "Show them: why, how often and until when each was tried", letter_arguments},
    CommandSpecification{"dead-letters replay", Command::dead_letters_replay,
                         reader::store | reader::queue | reader::place,
                         "Append them to the queue again, as received now", letter_arguments},
    CommandSpecification{"dead-letters drop", Command::dead_letters_drop,
                         reader::store | reader::place, "Delete them", letter_arguments},
    CommandSpecification{"instances list", Command::instances_list, reader::store | reader::place,
                         "Show them", json_lines},
    CommandSpecification{"instances retire", Command::instances_retire,
                         reader::store | reader::place, "Remove one that will not come back",
                         retire_arguments},
    CommandSpecification{"help", Command::help, 0, "Describe a command, or all of them",
                         help_arguments},
};

}  // namespace

std::string_view CommandSpecification::group() const {
  const std::string_view whole = name;
  const auto space = whole.find(' ');
  return space == std::string_view::npos ? std::string_view() : whole.substr(0, space);
}

std::string_view CommandSpecification::word() const {
  const std::string_view whole = name;
  return whole.substr(whole.find(' ') + 1);
}

std::span<const CommandSpecification> commands() { return table; }
std::span<const CommandGroup> command_groups() { return groups; }
std::span<const Argument> common_flags() { return common; }

const CommandSpecification* find_command(std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

const CommandSpecification& find_command(Command command) {
  return *std::find_if(table.begin(), table.end(),
                       [&](const auto& row) { return row.command == command; });
}

std::vector<std::string> words_of(std::string_view group) {
  std::vector<std::string> words;
  for (const auto& row : table) {
    if (row.group() == group) {
      words.emplace_back(row.word());
    } else if (group.empty() && std::find(words.begin(), words.end(), row.group()) == words.end()) {
      words.emplace_back(row.group());
    }
  }
  return words;
}

}  // namespace postofficed
