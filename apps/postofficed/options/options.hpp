// Everything the command line, the environment and the config file can say.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exit_code.hpp"
#include "options/environment.hpp"
#include "options/location.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/log.hpp"
#include "postoffice/options.hpp"
#include "postoffice/types.hpp"

namespace postofficed {

enum class Command {
  run,
  serve,
  worker,
  migrate,
  validate,
  journal_verify,
  journal_dump,
  journal_stat,
  self_test,
  top,
  bench,
  dead_letters_list,
  dead_letters_replay,
  dead_letters_drop,
  instances_list,
  instances_retire,
  help,
};

enum class LogFormat { text, json };

struct Options {
  Command command = Command::run;

  std::string listen;
  std::string admin_listen;
  std::string admin_token_file;  ///< empty: none
  bool admin_open = false;
  std::string source;
  StoreLocation store;
  bool synchronous_commit = true;
  QueueLocation queue;
  std::string data_dir;
  std::chrono::milliseconds ttl{};
  postoffice::Keep keep = postoffice::Keep::all;
  std::size_t fetch_concurrency = 0;
  std::chrono::milliseconds fetch_timeout{};
  postoffice::SourceKeepAlive source_keep_alive = postoffice::SourceKeepAlive::automatic;
  std::chrono::milliseconds drain_delay{};
  std::chrono::milliseconds drain_limit{};
  std::size_t ingress_threads = 0;
  std::uint64_t queue_limit = 0;
  bool journal_strict = false;
  bool public_health = false;
  std::string queue_prefix;
  std::size_t shards = 0;
  postoffice::LogLevel log_level = postoffice::LogLevel::info;
  LogFormat log_format = LogFormat::text;
  std::string config;

  // Arguments of single commands.
  bool json = false;
  bool all = false;
  bool online = false;
  std::vector<postoffice::ObjectId> ids;
  std::string reason;
  std::optional<std::chrono::milliseconds> since;
  bool dry_run = false;
  bool force = false;
  std::string directory;
  std::string instance;
  std::optional<std::size_t> crashes;
  bool once = false;
  std::chrono::milliseconds interval{1'000};
  std::chrono::seconds seconds{10};
  std::string compare;
};

/// One option as it was resolved, fit to be shown: secrets are redacted.
struct ShownOption {
  std::string name;  ///< as the config file spells it
  std::string value;
  std::string origin;  ///< "--ttl", "POSTOFFICE_TTL", "postofficed.conf:3" or "default"
  std::string file{};  ///< that the value was read from (--store-file and its like)
};

struct ParsedOptions {
  Options options;
  std::vector<ShownOption> shown;
};

/// Text to print on stdout before exiting with 0 (--help, --version).
struct Information {
  std::string text;
};

/// All problems that were found, in the order of the options; never empty.
struct Problems {
  ExitCode code = ExitCode::configuration;
  std::vector<std::string> messages;
  LogFormat log_format = LogFormat::text;  ///< in which to tell them, if that much was said
};

/// Reads `arguments` (without the program's name), then the environment, then the config file: the
/// first that names an option wins. Reads files, changes nothing.
std::variant<ParsedOptions, Information, Problems> parse_options(
    const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace postofficed
