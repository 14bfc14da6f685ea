#include <cstdlib>
#include <utility>

#include "commands/commands.hpp"
#include "commands/reload.hpp"
#include "daemon/admin_access.hpp"
#include "daemon/daemon.hpp"
#include "daemon/file_limit.hpp"
#include "daemon/passed_sockets.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/signals.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

using postoffice::LogLevel;

// Connections of senders, segments of the journal, the store: what a busy daemon has open besides
// one connection for each fetch.
constexpr std::size_t files_besides_fetches = 1'024;

// Until the service has stopped; a second signal ends the process at once. The queue holds all that
// was accepted, whatever the moment.
void wait_until_stopped(Signals& signals, Daemon& daemon, ServiceManager& manager,
                        ParsedOptions running, const Reread& reread, Logging& logging) {
  bool stopping = false;
  for (;;) {
    switch (signals.wait()) {
      case Signals::Event::finished: return;
      case Signals::Event::reload:
        manager.reloading();
        reload(running, reread, daemon, logging);
        manager.reloaded();
        break;
      case Signals::Event::stop:
        if (stopping) {
          logging.log()(LogLevel::warning, "second signal: stopping at once");
          logging.flush();
          std::_Exit(128 + signals.number());
        }
        stopping = true;
        manager.stopping(running.options.drain_delay + running.options.drain_limit);
        daemon.stop([&signals] { signals.finish(); });
    }
  }
}

Failure run_to_the_end(Signals& signals, ServiceManager& manager, const ParsedOptions& parsed,
                       const Reread& reread, Logging& logging) {
  auto sockets = take_passed_sockets(process_environment());
  if (!sockets) return std::move(sockets).error();
  if (auto failure = check_admin(parsed.options, sockets->admin)) return failure;
  Daemon daemon(parsed, *std::move(sockets), logging.log());
  if (auto failure = daemon.start()) return failure;
  manager.started([&daemon](Watched& watched) { daemon.watch(watched); });
  wait_until_stopped(signals, daemon, manager, parsed, reread, logging);
  manager.look_away();
  return {};
}

}  // namespace

Failure run(const ParsedOptions& parsed, const Reread& reread, Logging& logging) {
  if (auto failure = check_role(parsed.options)) return failure;
  const auto log = logging.log();
  Signals signals;
  log(LogLevel::info, std::string("postofficed ") + postoffice::version());
  raise_file_limit(parsed.options.fetch_concurrency + files_besides_fetches, log);
  ServiceManager manager(log);
  auto failure = run_to_the_end(signals, manager, parsed, reread, logging);
  if (failure) {
    manager.failed(failure.message);
    return failure;
  }
  log(LogLevel::info, "stopped");
  return {};
}

}  // namespace postofficed
