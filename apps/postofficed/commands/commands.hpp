// One function per command, one file per function or group.
#pragma once

#include "options/options.hpp"
#include "postoffice/log.hpp"
#include "support/logging.hpp"

namespace postofficed {

/// Gives the configuration as it reads now; what SIGHUP asks for.
using Reread = std::function<std::variant<ParsedOptions, Information, Problems>()>;

/// Each returns how it ended; a message is not yet printed. Results go to stdout.
/// run, serve and worker.
Failure run(const ParsedOptions& parsed, const Reread& reread, Logging& logging);
Failure migrate(const Options& options);
Failure validate(const ParsedOptions& parsed);
Failure journal(const Options& options);
Failure dead_letters(const ParsedOptions& parsed, const postoffice::Log& log);
Failure self_test_command(const Options& options);
Failure run_bench(const Options& options);
Failure show_top(const ParsedOptions& parsed);
Failure instances(const Options& options);

}  // namespace postofficed
