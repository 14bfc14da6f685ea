#include <cstdlib>
#include <utility>

#include "commands/commands.hpp"
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

// Passwords are not shown, so a change of one is seen in the location itself.
template <typename Location>
void reload_location(const char* name, Location& running, const Location& fresh, bool changed,
                     Daemon& daemon, const postoffice::Log& log) {
  if (!changed) return;
  if (daemon.use_credentials(fresh)) {
    running = fresh;
    log(LogLevel::info, std::string("reload: ") + name +
                            ": new credentials; used for each new connection from now on");
  } else {
    log(LogLevel::warning, std::string("reload: ") + name + " is now " + describe(fresh) +
                               "; this takes effect at the next start");
  }
}

void reload_locations(Options& running, const Options& fresh, Daemon& daemon,
                      const postoffice::Log& log) {
  const auto differ = [](const auto& a, const auto& b, auto... fields) {
    return ((a.*fields != b.*fields) || ...);
  };
  reload_location("store", running.store, fresh.store,
                  differ(running.store, fresh.store, &StoreLocation::kind, &StoreLocation::target),
                  daemon, log);
  reload_location("queue", running.queue, fresh.queue,
                  differ(running.queue, fresh.queue, &QueueLocation::kind,
                         &QueueLocation::directory, &QueueLocation::url),
                  daemon, log);
}

// Takes over what can change while running and tells what cannot.
void reload(ParsedOptions& running, const Reread& reread, Daemon& daemon, Logging& logging) {
  const auto log = logging.log();
  auto result = reread();
  if (const auto* problems = std::get_if<Problems>(&result)) {
    for (const auto& message : problems->messages) {
      log(LogLevel::error, "reload: " + message + "; nothing was changed");
    }
    return;
  }
  auto* fresh = std::get_if<ParsedOptions>(&result);
  if (!fresh) return;
  for (std::size_t i = 0; i < fresh->shown.size(); ++i) {
    const auto& before = running.shown[i];
    const auto& now = fresh->shown[i];
    if (before.value == now.value || now.name == "log-level") continue;
    if (now.name == "store" || now.name == "queue") continue;  // by what they hold: see below
    log(LogLevel::warning,
        "reload: " + now.name + " is now " + now.value + "; this takes effect at the next start");
  }
  reload_locations(running.options, fresh->options, daemon, log);
  if (const auto failure = daemon.reload_admin_token()) {
    log(LogLevel::error,
        "reload: --admin-token-file: " + failure.message + "; the token read before stays");
  }
  running.options.log_level = fresh->options.log_level;
  logging.set_level(fresh->options.log_level);
  log(LogLevel::info, "reload: configuration read again");
}

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
