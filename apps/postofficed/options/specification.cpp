#include "options/specification.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/host_port.hpp"
#include "options/values.hpp"

namespace postofficed {
namespace {

using std::chrono::milliseconds;

Result<std::string> address(const std::string& text) {
  if (postoffice::parse_host_port(text)) return text;
  return misconfigured("is not an address (HOST:PORT, [::1]:9090, :9090)");
}

template <std::chrono::milliseconds::rep least>
Result<milliseconds> duration(const std::string& text) {
  const auto value = parse_duration(text);
  if (!value) return misconfigured("is not a duration (500ms, 30s, 5m, 1h)");
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
  return misconfigured("must be true or false");
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
  if (!value) return misconfigured("is not a size (512MiB, 10GiB)");
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
  return misconfigured(none);
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
                  set<&Options::listen, address>},
    Specification{"admin-listen", nullptr, "HOST:PORT",
                  "Listen for metrics, health and queries [localhost:9091; worker: localhost:9092]",
                  false, set<&Options::admin_listen, address>},
    Specification{"admin-token-file", "", "PATH",
                  "A file with a token (16 bytes or more) that all of it but /livez and /readyz "
                  "needs; read again on SIGHUP [none: only loopback addresses may be given]",
                  false, set<&Options::admin_token_file, any>},
    Specification{"admin-open", "false", nullptr,
                  "Without a token, let other machines read --admin-listen, too", false,
                  set<&Options::admin_open, boolean>},
    Specification{"public-health", "false", nullptr,
                  "Answer GET /readyz on the callback listener, too, for load balancers", false,
                  set<&Options::public_health, boolean>},
    Specification{"source", "http://localhost:9010/objects/{id}", "URL",
                  "The service that knows the objects; {id} is replaced by the id", false,
                  set<&Options::source, source>},
    Specification{"data-dir", nullptr, "DIR",
                  "Directory of this daemon's files [$STATE_DIRECTORY, else ./postoffice-data]",
                  false, set<&Options::data_dir, any>},
    Specification{"store", nullptr, "STORE",
                  "Store for the objects: sqlite:PATH, postgresql://… or key=value pairs "
                  "[sqlite:DATA_DIR/objects.db]",
                  true, set<&Options::store, parse_store>},
    Specification{"synchronous-commit", "true", nullptr,
                  "PostgreSQL: each transaction waits for its commit; false: large ones wait "
                  "together, which helps if the server's disk is slow to flush",
                  false, set<&Options::synchronous_commit, boolean>},
    Specification{
        "queue", nullptr, "QUEUE",
        "Queue for accepted callbacks: file:PATH, amqp://… or amqps://… (RabbitMQ), or "
        "file+amqp://… (a file first, then RabbitMQ when it answers) [file:DATA_DIR/queue]",
        true, set_queue},
    Specification{"ttl", "30s", "DURATION", "Delete objects that were not received for this long",
                  false, set<&Options::ttl, duration<100>>},
    Specification{"keep", "all", "all|online", "Which objects to keep", false,
                  set<&Options::keep, keep>},
    Specification{"fetch-concurrency", "1024", "N", "Maximum number of fetches in flight", false,
                  set<&Options::fetch_concurrency, count<1'000'000>>},
    Specification{"fetch-timeout", "10s", "DURATION", "Time limit of a fetch", false,
                  set<&Options::fetch_timeout, duration<1>>},
    Specification{
        "source-keep-alive", "auto", "auto|always|never",
        "Reuse connections to the source; auto: unless idle ones keep other requests waiting",
        false, set<&Options::source_keep_alive, source_keep_alive>},
    Specification{"drain-delay", "0s", "DURATION",
                  "On SIGTERM, say 503 on /readyz for this long before draining begins; callbacks "
                  "are accepted meanwhile",
                  false, set<&Options::drain_delay, duration<0>>},
    Specification{"drain-limit", "5s", "DURATION",
                  "On SIGTERM, wait this long for fetches in flight", false,
                  set<&Options::drain_limit, duration<0>>},
    Specification{"ingress-threads", "1", "N", "Threads that accept callbacks", false,
                  set<&Options::ingress_threads, count<1'024>>},
    Specification{
        "queue-limit", "0", "SIZE",
        "Disk space that a file queue may use (10GiB); 0: the whole disk, less a twentieth "
        "of it (at most 512MiB)",
        false, set<&Options::queue_limit, queue_limit>},
    Specification{"journal-strict", "false", nullptr,
                  "Refuse to start on a damaged queue, instead of skipping the damaged part", false,
                  set<&Options::journal_strict, boolean>},
    Specification{"queue-prefix", "postoffice", "NAME",
                  "Name of the RabbitMQ queues: NAME.0, NAME.1, …", false,
                  set<&Options::queue_prefix, queue_prefix>},
    Specification{"shards", "8", "N",
                  "Number of RabbitMQ queues; the same for all processes that share a broker",
                  false, set<&Options::shards, count<1'024>>},
    Specification{"log-level", "info", "LEVEL", "debug, info, warning or error", false,
                  set<&Options::log_level, log_level>},
    Specification{"log-format", "text", "text|json", "Format of the log lines (on stderr)", false,
                  set<&Options::log_format, log_format>},
};

}  // namespace

std::span<const Specification> specifications() { return table; }

std::string environment_name(const std::string& key) {
  std::string name = "POSTOFFICE_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

}  // namespace postofficed
