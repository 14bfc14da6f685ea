#include "options/specification.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/host_port.hpp"
#include "options/nearest.hpp"
#include "options/values.hpp"

namespace postofficed {
namespace {

using std::chrono::milliseconds;

/// "; did you mean "TEXT"?", or nothing.
std::string perhaps(const std::string& text) {
  return text.empty() ? text : "; did you mean \"" + text + "\"?";
}

Result<std::string> address(const std::string& text) {
  if (postoffice::parse_host_port(text)) return text;
  const bool port = postoffice::parse_host_port(":" + text).has_value();
  return misconfigured("is not an address (HOST:PORT, [::1]:9090, :9090)" +
                       perhaps(port ? ":" + text : std::string()));
}

template <std::chrono::milliseconds::rep least>
Result<milliseconds> duration(const std::string& text) {
  const auto value = parse_duration(text);
  if (!value)
    return misconfigured("is not a duration (500ms, 30s, 5m, 1h)" +
                         perhaps(nearest_duration(text)));
  if (value->count() >= least) return *value;
  return misconfigured("is too short: at least " + show_duration(milliseconds(least)));
}

template <std::uint64_t most>
Result<std::size_t> count(const std::string& text) {
  const auto value = parse_count(text);
  if (value && *value >= 1 && *value <= most) return *value;
  return misconfigured("is not a whole number from 1 to " + std::to_string(most));
}

Result<bool> boolean(const std::string& text) {
  if (const auto value = parse_bool(text)) return *value;
  const std::vector<std::string> names{"true", "false"};
  return misconfigured("must be true or false" + did_you_mean(text, names, "\"", "\""));
}

Result<std::string> any(const std::string& text) { return text; }

Result<std::string> source(const std::string& text) {
  if (text.starts_with("https://"))
    return misconfigured("cannot be used: TLS support is not built in");
  if (!text.starts_with("http://"))
    return misconfigured("is not a source (http://HOST:PORT/PATH/{id})");
  if (text.find("{id}") == std::string::npos)
    return misconfigured("has no place for the id: {id} is missing");
  return text;
}

Result<std::uint64_t> queue_limit(const std::string& text) {
  constexpr std::uint64_t least = 128ull << 20;
  const auto value = parse_size(text);
  if (!value) return misconfigured("is not a size (512MiB, 10GiB)" + perhaps(nearest_size(text)));
  if (*value == 0 || *value >= least) return *value;
  return misconfigured("is too small: at least 128MiB, or 0 for no limit but the disk");
}

// What RabbitMQ takes without quoting, in its tools as in URLs.
Result<std::string> queue_prefix(const std::string& text) {
  const auto good = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  if (text.size() <= 64 && std::all_of(text.begin(), text.end(), good)) return text;
  return misconfigured("is not a valid prefix: at most 64 letters, digits, - and _");
}

template <typename Choice>
using Choices = std::initializer_list<std::pair<const char*, Choice>>;

template <typename Choice>
Result<Choice> choose(const std::string& text, Choices<Choice> choices, const char* none) {
  for (const auto& [name, choice] : choices) {
    if (text == name) return choice;
  }
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) names.emplace_back(name);
  return misconfigured(none + did_you_mean(text, names, "\"", "\""));
}

Result<postoffice::Keep> keep(const std::string& text) {
  using postoffice::Keep;
  return choose<Keep>(text, {{"all", Keep::all}, {"online", Keep::online}},
                      "must be all or online");
}

Result<postoffice::SourceKeepAlive> source_keep_alive(const std::string& text) {
  using postoffice::SourceKeepAlive;
  return choose<SourceKeepAlive>(text,
                                 {{"auto", SourceKeepAlive::automatic},
                                  {"always", SourceKeepAlive::always},
                                  {"never", SourceKeepAlive::never}},
                                 "must be auto, always or never");
}

Result<postoffice::LogLevel> log_level(const std::string& text) {
  using postoffice::LogLevel;
  return choose<LogLevel>(text,
                          {{"debug", LogLevel::debug},
                           {"info", LogLevel::info},
                           {"warning", LogLevel::warning},
                           {"error", LogLevel::error}},
                          "must be debug, info, warning or error");
}

Result<LogFormat> log_format(const std::string& text) {
  return choose<LogFormat>(text, {{"text", LogFormat::text}, {"json", LogFormat::json}},
                           "must be text or json");
}

template <typename Value>
Failure put(Result<Value> value, Value& target) {
  if (!value) return std::move(value).error();
  target = *std::move(value);
  return {};
}

/// Parses the text into a member of the options.
template <auto member, auto parse>
Failure set(const std::string& text, Options& options) {
  return put(parse(text), options.*member);
}

// With the directory of the data, which is resolved before.
Failure set_queue(const std::string& text, Options& options) {
  return put(parse_queue(text, options.data_dir + "/queue"), options.queue);
}

constexpr std::array table{
    Specification{"listen", "localhost:9090", "HOST:PORT",
                  "Listen for callbacks here, on every address of the host", false,
                  set<&Options::listen, address>, reader::accepting},
    Specification{"admin-listen", nullptr, "HOST:PORT",
                  "Listen for metrics, health and queries [localhost:9091; worker: localhost:9092]",
                  false, set<&Options::admin_listen, address>, reader::daemon},
    Specification{"admin-token-file", "", "PATH",
                  "A file with a token (16 bytes or more) that all of it but /livez and /readyz "
                  "needs; read again on SIGHUP [none: only loopback addresses may be given]",
                  false, set<&Options::admin_token_file, any>, reader::daemon},
    Specification{"admin-open", "false", nullptr,
                  "Without a token, let other machines read --admin-listen, too", false,
                  set<&Options::admin_open, boolean>, reader::daemon},
    Specification{"public-health", "false", nullptr,
                  "Answer GET /readyz on the callback listener, too, for load balancers", false,
                  set<&Options::public_health, boolean>, reader::accepting},
    Specification{"source", "http://localhost:9010/objects/{id}", "URL",
                  "The service that knows the objects; {id} is replaced by the id", false,
                  set<&Options::source, source>, reader::fetching},
    Specification{"data-dir", nullptr, "DIR",
                  "Directory of this daemon's files [$STATE_DIRECTORY, else ./postoffice-data]",
                  false, set<&Options::data_dir, any>, reader::place},
    Specification{"store", nullptr, "STORE",
                  "Store for the objects: sqlite:PATH, postgresql://… or key=value pairs "
                  "[sqlite:DATA_DIR/objects.db]",
                  true, set<&Options::store, parse_store>, reader::store, true},
    Specification{"synchronous-commit", "true", nullptr,
                  "PostgreSQL: each transaction waits for its commit; false: large ones wait "
                  "together, which helps if the server's disk is slow to flush",
                  false, set<&Options::synchronous_commit, boolean>, reader::fetching},
    Specification{
        "queue", nullptr, "QUEUE",
        "Queue for accepted callbacks: file:PATH, amqp://… or amqps://… (RabbitMQ), or "
        "file+amqp://… (a file first, then RabbitMQ when it answers) [file:DATA_DIR/queue]",
        true, set_queue, reader::queue, true},
    Specification{"ttl", "30s", "DURATION", "Delete objects that were not received for this long",
                  false, set<&Options::ttl, duration<100>>, reader::fetching, true},
    Specification{"keep", "all", "all|online", "Which objects to keep", false,
                  set<&Options::keep, keep>, reader::fetching, true},
    Specification{"fetch-concurrency", "1024", "N", "Maximum number of fetches in flight", false,
                  set<&Options::fetch_concurrency, count<1'000'000>>, reader::fetching, true},
    Specification{"fetch-timeout", "10s", "DURATION", "Time limit of a fetch", false,
                  set<&Options::fetch_timeout, duration<1>>, reader::fetching, true},
    Specification{
        "source-keep-alive", "auto", "auto|always|never",
        "Reuse connections to the source; auto: unless idle ones keep other requests waiting",
        false, set<&Options::source_keep_alive, source_keep_alive>, reader::fetching},
    Specification{"drain-delay", "0s", "DURATION",
                  "On SIGTERM, say 503 on /readyz for this long before draining begins; callbacks "
                  "are accepted meanwhile",
                  false, set<&Options::drain_delay, duration<0>>, reader::accepting},
    Specification{"drain-limit", "5s", "DURATION",
                  "On SIGTERM, wait this long for fetches in flight", false,
                  set<&Options::drain_limit, duration<0>>, reader::fetching, true},
    Specification{"ingress-threads", "1", "N", "Threads that accept callbacks", false,
                  set<&Options::ingress_threads, count<1'024>>, reader::accepting},
    Specification{
        "queue-limit", "0", "SIZE",
        "Disk space that a file queue may use (10GiB); 0: the whole disk, less a twentieth "
        "of it (at most 512MiB)",
        false, set<&Options::queue_limit, queue_limit>, reader::accepting},
    Specification{"journal-strict", "false", nullptr,
                  "Refuse to start on a damaged queue, instead of skipping the damaged part", false,
                  set<&Options::journal_strict, boolean>, reader::accepting},
    Specification{"queue-prefix", "postoffice", "NAME",
                  "Name of the RabbitMQ queues: NAME.0, NAME.1, …", false,
                  set<&Options::queue_prefix, queue_prefix>, reader::daemon},
    Specification{"shards", "8", "N",
                  "Number of RabbitMQ queues; the same for all processes that share a broker",
                  false, set<&Options::shards, count<1'024>>, reader::daemon},
    Specification{"log-level", "info", "debug|info|warning|error", "Log lines from this level on",
                  false, set<&Options::log_level, log_level>, reader::daemon, true},
    Specification{"log-format", "text", "text|json", "Format of the log lines (on stderr)", false,
                  set<&Options::log_format, log_format>, reader::daemon},
};

}  // namespace

std::span<const Specification> specifications() { return table; }

const Specification* find_specification(const std::string& key) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  for (const auto& row : table) {
    keys.emplace_back(row.key);
    if (row.secret) keys.push_back(std::string(row.key) + "-file");
  }
  return keys;
}

}  // namespace postofficed
