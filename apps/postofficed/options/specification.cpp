#include "options/specification.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "base/host_port.hpp"
#include "options/values.hpp"

namespace postofficed {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

bool set_address(const std::string& text, std::string& target, std::string& problem) {
  target = text;
  if (postoffice::parse_host_port(text)) return true;
  problem = "is not an address (HOST:PORT, [::1]:9090, :9090)";
  return false;
}

bool set_duration(const std::string& text, milliseconds least, milliseconds& target,
                  std::string& problem) {
  const auto value = parse_duration(text);
  if (!value) {
    problem = "is not a duration (500ms, 30s, 5m, 1h)";
  } else if (*value < least) {
    problem = "is too short: at least " + show_duration(least);
  } else {
    target = *value;
  }
  return problem.empty();
}

bool set_count(const std::string& text, std::uint64_t most, std::size_t& target,
               std::string& problem) {
  const auto value = parse_count(text);
  if (!value || *value < 1 || *value > most) {
    problem = "is not a whole number from 1 to " + std::to_string(most);
    return false;
  }
  target = *value;
  return true;
}

bool set_listen(const std::string& text, Options& options, std::string& problem) {
  return set_address(text, options.listen, problem);
}

bool set_admin_listen(const std::string& text, Options& options, std::string& problem) {
  return set_address(text, options.admin_listen, problem);
}

bool set_source(const std::string& text, Options& options, std::string& problem) {
  options.source = text;
  if (text.rfind("https://", 0) == 0) {
    problem = "cannot be used: TLS support is not built in";
  } else if (text.rfind("http://", 0) != 0) {
    problem = "is not a source (http://HOST:PORT/PATH/{id})";
  } else if (text.find("{id}") == std::string::npos) {
    problem = "has no place for the id: {id} is missing";
  }
  return problem.empty();
}

bool set_store(const std::string& text, Options& options, std::string& problem) {
  return parse_store(text, options.store, problem);
}

bool set_queue(const std::string& text, Options& options, std::string& problem) {
  return parse_queue(text, options.data_dir + "/queue", options.queue, problem);
}

bool set_data_dir(const std::string& text, Options& options, std::string&) {
  options.data_dir = text;
  return true;
}

bool set_ttl(const std::string& text, Options& options, std::string& problem) {
  return set_duration(text, 100ms, options.ttl, problem);
}

bool set_keep(const std::string& text, Options& options, std::string& problem) {
  options.keep = text == "online" ? postoffice::Keep::online : postoffice::Keep::all;
  if (text != "online" && text != "all") problem = "must be all or online";
  return problem.empty();
}

bool set_fetch_concurrency(const std::string& text, Options& options, std::string& problem) {
  return set_count(text, 1'000'000, options.fetch_concurrency, problem);
}

bool set_fetch_timeout(const std::string& text, Options& options, std::string& problem) {
  return set_duration(text, 1ms, options.fetch_timeout, problem);
}

bool set_source_keep_alive(const std::string& text, Options& options, std::string& problem) {
  using postoffice::SourceKeepAlive;
  constexpr std::array<std::pair<std::string_view, SourceKeepAlive>, 3> choices{
      {{"auto", SourceKeepAlive::automatic},
       {"always", SourceKeepAlive::always},
       {"never", SourceKeepAlive::never}}};
  for (const auto& [name, choice] : choices) {
    if (text != name) continue;
    options.source_keep_alive = choice;
    return true;
  }
  problem = "must be auto, always or never";
  return false;
}

bool set_drain_limit(const std::string& text, Options& options, std::string& problem) {
  return set_duration(text, 0ms, options.drain_limit, problem);
}

bool set_ingress_threads(const std::string& text, Options& options, std::string& problem) {
  return set_count(text, 1'024, options.ingress_threads, problem);
}

bool set_queue_limit(const std::string& text, Options& options, std::string& problem) {
  constexpr std::uint64_t least = 128ull << 20;
  const auto value = parse_size(text);
  if (!value)
    problem = "is not a size (512MiB, 10GiB)";
  else if (*value != 0 && *value < least)
    problem = "is too small: at least 128MiB, or 0 for no limit but the disk";
  options.queue_limit = value.value_or(0);
  return problem.empty();
}

bool set_bool(const std::string& text, bool& option, std::string& problem) {
  const auto value = parse_bool(text);
  if (!value) problem = "must be true or false";
  option = value.value_or(option);
  return problem.empty();
}

bool set_journal_strict(const std::string& text, Options& options, std::string& problem) {
  return set_bool(text, options.journal_strict, problem);
}

bool set_public_health(const std::string& text, Options& options, std::string& problem) {
  return set_bool(text, options.public_health, problem);
}

bool set_synchronous_commit(const std::string& text, Options& options, std::string& problem) {
  return set_bool(text, options.synchronous_commit, problem);
}

// What RabbitMQ takes without quoting, in its tools as in URLs.
bool set_queue_prefix(const std::string& text, Options& options, std::string& problem) {
  options.queue_prefix = text;
  const auto good = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  if (text.size() > 64 || !std::all_of(text.begin(), text.end(), good)) {
    problem = "is not a valid prefix: at most 64 letters, digits, - and _";
  }
  return problem.empty();
}

bool set_shards(const std::string& text, Options& options, std::string& problem) {
  return set_count(text, 1'024, options.shards, problem);
}

bool set_log_level(const std::string& text, Options& options, std::string& problem) {
  using postoffice::LogLevel;
  constexpr std::array<std::pair<std::string_view, LogLevel>, 4> levels{
      {{"debug", LogLevel::debug},
       {"info", LogLevel::info},
       {"warning", LogLevel::warning},
       {"error", LogLevel::error}}};
  for (const auto& [name, level] : levels) {
    if (text != name) continue;
    options.log_level = level;
    return true;
  }
  problem = "must be debug, info, warning or error";
  return false;
}

bool set_log_format(const std::string& text, Options& options, std::string& problem) {
  options.log_format = text == "json" ? LogFormat::json : LogFormat::text;
  if (text != "json" && text != "text") problem = "must be text or json";
  return problem.empty();
}

constexpr std::array table{
    Specification{"listen", "localhost:9090", "HOST:PORT",
                  "Listen for callbacks here, on every address of the host", false, set_listen},
    Specification{"admin-listen", nullptr, "HOST:PORT",
                  "Listen for metrics, health and queries [localhost:9091; worker: localhost:9092]",
                  false, set_admin_listen},
    Specification{"public-health", "false", nullptr,
                  "Answer GET /readyz on the callback listener, too, for load balancers", false,
                  set_public_health},
    Specification{"source", "http://localhost:9010/objects/{id}", "URL",
                  "The service that knows the objects; {id} is replaced by the id", false,
                  set_source},
    Specification{"data-dir", nullptr, "DIR",
                  "Directory of this daemon's files [$STATE_DIRECTORY, else ./postoffice-data]",
                  false, set_data_dir},
    Specification{"store", nullptr, "STORE",
                  "Store for the objects: sqlite:PATH, postgresql://… or key=value pairs "
                  "[sqlite:DATA_DIR/objects.db]",
                  true, set_store},
    Specification{"synchronous-commit", "true", nullptr,
                  "PostgreSQL: each transaction waits for its commit; false: large ones wait "
                  "together, which helps if the server's disk is slow to flush",
                  false, set_synchronous_commit},
    Specification{
        "queue", nullptr, "QUEUE",
        "Queue for accepted callbacks: file:PATH, amqp://… or amqps://… (RabbitMQ), or "
        "file+amqp://… (a file first, then RabbitMQ when it answers) [file:DATA_DIR/queue]",
        true, set_queue},
    Specification{"ttl", "30s", "DURATION", "Delete objects that were not received for this long",
                  false, set_ttl},
    Specification{"keep", "all", "all|online", "Which objects to keep", false, set_keep},
    Specification{"fetch-concurrency", "1024", "N", "Maximum number of fetches in flight", false,
                  set_fetch_concurrency},
    Specification{"fetch-timeout", "10s", "DURATION", "Time limit of a fetch", false,
                  set_fetch_timeout},
    Specification{
        "source-keep-alive", "auto", "auto|always|never",
        "Reuse connections to the source; auto: unless idle ones keep other requests waiting",
        false, set_source_keep_alive},
    Specification{"drain-limit", "5s", "DURATION",
                  "On SIGTERM, wait this long for fetches in flight", false, set_drain_limit},
    Specification{"ingress-threads", "1", "N", "Threads that accept callbacks", false,
                  set_ingress_threads},
    Specification{
        "queue-limit", "0", "SIZE",
        "Disk space that a file queue may use (10GiB); 0: the whole disk, less a twentieth "
        "of it (at most 512MiB)",
        false, set_queue_limit},
    Specification{"journal-strict", "false", nullptr,
                  "Refuse to start on a damaged queue, instead of skipping the damaged part", false,
                  set_journal_strict},
    Specification{"queue-prefix", "postoffice", "NAME",
                  "Name of the RabbitMQ queues: NAME.0, NAME.1, …", false, set_queue_prefix},
    Specification{"shards", "8", "N",
                  "Number of RabbitMQ queues; the same for all processes that share a broker",
                  false, set_shards},
    Specification{"log-level", "info", "LEVEL", "debug, info, warning or error", false,
                  set_log_level},
    Specification{"log-format", "text", "text|json", "Format of the log lines (on stderr)", false,
                  set_log_format},
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
