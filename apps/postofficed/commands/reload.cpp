#include "commands/reload.hpp"

#include <algorithm>

#include "commands/check_configuration.hpp"
#include "options/specification.hpp"

namespace postofficed {
namespace {

using postoffice::LogLevel;

bool from_file(const ParsedOptions& parsed) {
  const auto& path = parsed.options.config;
  return std::any_of(parsed.shown.begin(), parsed.shown.end(), [&](const ShownOption& option) {
    return !path.empty() && option.origin.starts_with(path + ":");
  });
}

// An editor empties a file before it writes it anew. Whoever wants the defaults starts anew.
std::vector<std::string> find_mistakes(const ParsedOptions& running, const ParsedOptions& fresh) {
  auto mistakes = find_mistakes(fresh.options);
  if (from_file(running) && !from_file(fresh))
    mistakes.push_back(fresh.options.config + " holds no option any more: it may be half written");
  return mistakes;
}

bool same(const StoreLocation& a, const StoreLocation& b) {
  return a.kind == b.kind && a.target == b.target;
}
bool same(const QueueLocation& a, const QueueLocation& b) {
  return a.kind == b.kind && a.directory == b.directory && a.url == b.url;
}

/// Takes over the options one by one, and tells.
class Takeover {
 public:
  Takeover(ParsedOptions& running, const ParsedOptions& fresh, Daemon& daemon,
           const postoffice::Log& log)
      : running_(running), fresh_(fresh), daemon_(daemon), log_(log) {}

  void run() {
    for (std::size_t i = 0; i < fresh_.shown.size(); ++i) {
      auto& before = running_.shown[i];
      const auto& now = fresh_.shown[i];
      if (now.name == "store") {
        take(before, now, running_.options.store, fresh_.options.store);
      } else if (now.name == "queue") {
        take(before, now, running_.options.queue, fresh_.options.queue);
      } else if (before.value != now.value) {
        take(before, now);
      }
    }
    daemon_.change(running_);
    warn_of_connections();
  }

 private:
  void tell(LogLevel level, const std::string& text) { log_(level, "reload: " + text); }

  void take(ShownOption& before, const ShownOption& now) {
    const auto* row = find_specification(now.name);
    const std::string change = now.name + " was " + before.value + ", is now " + now.value;
    if (!row->reloads)
      return tell(LogLevel::warning, change + "; this takes effect at the next start");
    // It was valid for fresh_, so it is for running_.
    if (row->apply(now.value, running_.options)) return;
    before = now;
    tell(LogLevel::info, change);
  }

  // Passwords are not shown, so a change of one is seen in the location itself.
  template <typename Location>
  void take(ShownOption& before, const ShownOption& now, Location& running, const Location& fresh) {
    if (same(running, fresh)) return;
    if (!daemon_.use_credentials(fresh))
      return tell(LogLevel::warning, now.name + " is now " + describe(fresh) +
                                         "; this takes effect at the next start");
    running = fresh;
    before = now;
    tell(LogLevel::info, now.name + ": new credentials; used for each new connection from now on");
  }

  // Descriptors are shared out at the start.
  void warn_of_connections() {
    const auto wanted = running_.options.fetch_concurrency;
    if (wanted == fetches_before_ || wanted <= daemon_.fetches_max()) return;
    tell(LogLevel::warning, "fetch-concurrency: at most " + std::to_string(daemon_.fetches_max()) +
                                " connections to the source until the next start");
  }

  ParsedOptions& running_;
  const ParsedOptions& fresh_;
  Daemon& daemon_;
  const postoffice::Log& log_;
  const std::size_t fetches_before_ = running_.options.fetch_concurrency;
};

}  // namespace

// Whatever else is read again at a SIGHUP (tokens, certificates) belongs here: first what may fail,
// before anything has changed; the rest behind Takeover.
void reload(ParsedOptions& running, const Reread& reread, Daemon& daemon, Logging& logging) {
  const auto log = logging.log();
  auto result = reread();
  std::vector<std::string> mistakes;
  if (const auto* problems = std::get_if<Problems>(&result)) mistakes = problems->messages;
  const auto* fresh = std::get_if<ParsedOptions>(&result);
  if (fresh) mistakes = find_mistakes(running, *fresh);
  for (const auto& mistake : mistakes)
    log(LogLevel::error, "reload: " + mistake + "; nothing was changed");
  if (!fresh || !mistakes.empty()) return;
  if (const auto failure = daemon.reload_admin_token()) {
    return log(LogLevel::error,
               "reload: --admin-token-file: " + failure.message + "; nothing was changed");
  }
  Takeover(running, *fresh, daemon, log).run();
  logging.set_level(running.options.log_level);
  log(LogLevel::info, "reload: configuration read again");
}

}  // namespace postofficed
