// What SIGHUP asks for: the configuration is read again.
#pragma once

#include "commands/commands.hpp"
#include "daemon/daemon.hpp"
#include "options/options.hpp"
#include "support/logging.hpp"

namespace postofficed {

/// All or nothing: if anything is wrong with the new configuration, it logs a line for each mistake
/// and changes nothing. Otherwise the daemon takes over what may change while it runs
/// (Specification::reloads), and a line for each change says what it was and what it is; others are
/// told to wait for the next start. `running` follows.
void reload(ParsedOptions& running, const Reread& reread, Daemon& daemon, Logging& logging);

}  // namespace postofficed
