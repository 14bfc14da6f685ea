// postofficed: the daemon and its tools.
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "commands/commands.hpp"
#include "options/options.hpp"
#include "support/logging.hpp"

namespace {

using namespace postofficed;

int report(const Failure& failure) {
  if (!failure.message.empty()) {
    std::fprintf(stderr, "postofficed: %s\n", failure.message.c_str());
  }
  return static_cast<int>(failure.code);
}

Failure dispatch(const ParsedOptions& parsed, const Reread& reread, Logging& logging) {
  const Options& options = parsed.options;
  switch (options.command) {
    case Command::run:
    case Command::serve:
    case Command::worker: return run(parsed, reread, logging);
    case Command::migrate: return migrate(options);
    case Command::validate: return validate(parsed);
    case Command::journal_verify:
    case Command::journal_dump:
    case Command::journal_stat: return journal(options);
    case Command::self_test: return self_test_command(options);
    case Command::dead_letters_list:
    case Command::dead_letters_replay:
    case Command::dead_letters_drop: return dead_letters(options, logging.log());
    case Command::instances_list:
    case Command::instances_retire: return instances(options);
  }
  return {};
}

int start(const std::vector<std::string>& arguments) {
  const Reread read = [&] { return parse_options(arguments, process_environment()); };
  const auto result = read();
  if (const auto* information = std::get_if<Information>(&result)) {
    std::fputs(information->text.c_str(), stdout);
    return 0;
  }
  if (const auto* problems = std::get_if<Problems>(&result)) {
    for (const auto& message : problems->messages) report({problems->code, message});
    return static_cast<int>(problems->code);
  }
  const auto& parsed = std::get<ParsedOptions>(result);
  Logging logging(parsed.options.log_level, parsed.options.log_format);
  return report(dispatch(parsed, read, logging));
}

}  // namespace

int main(int count, char** values) try {
  return start({values + 1, values + count});
} catch (const std::exception& error) {
  return report({ExitCode::unavailable, error.what()});
}
