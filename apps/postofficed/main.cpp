// postofficed: the daemon and its tools.
#include <fcntl.h>
#include <unistd.h>

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

// What was closed is opened, lest a file of ours gets its number and log lines are written into it.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int lowest_free = open("/dev/null", O_RDWR);
  }
}

int report(const Failure& failure, LogFormat format = LogFormat::text) {
  const int status = exit_status(failure.code);
  write_failure(format, failure.message, status);
  return status;
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
    case Command::top: return show_top(parsed);
    case Command::bench: return run_bench(options);
    case Command::dead_letters_list:
    case Command::dead_letters_replay:
    case Command::dead_letters_drop: return dead_letters(parsed, logging.log());
    case Command::instances_list:
    case Command::instances_retire: return instances(options);
    case Command::help: break;  // answered when the options were read
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
    for (const auto& message : problems->messages)
      report({problems->code, message}, problems->log_format);
    return static_cast<int>(problems->code);
  }
  const auto& parsed = std::get<ParsedOptions>(result);
  Logging logging(parsed.options.log_level, parsed.options.log_format);
  const Failure failure = dispatch(parsed, read, logging);
  logging.flush();
  return report(failure, parsed.options.log_format);
}

}  // namespace

int main(int count, char** values) try {
  open_standard_streams();
  return start({values + 1, values + count});
} catch (const std::exception& error) {
  return report({ExitCode::unavailable, error.what()});
}
