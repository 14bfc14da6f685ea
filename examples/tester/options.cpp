#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <random>

namespace tester {
namespace {

constexpr int exit_usage = 64;

/// An option that is a span of time: "300ms", "1.5s", or a bare number of seconds.
void add_time(CLI::App& app, const std::string& name, std::chrono::microseconds& value,
              const std::string& help) {
  const std::map<std::string, double> units{{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}};
  const double seconds = std::chrono::duration<double>(value).count();
  app.add_option_function<double>(
         name,
         [&value](const double& given) {
           value = std::chrono::microseconds(std::llround(given * 1e6));
         },
         help)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME"))
      ->check([](const std::string& text) {
        return text.find('-') == std::string::npos ? "" : "a time cannot be negative";
      })
      ->default_str(CLI::detail::to_string(seconds) + "s");
}

void add_sender_options(CLI::App& app, Options& options, double& rate) {
  app.add_option("--target", options.target, "Where callbacks are sent to")->capture_default_str();
  add_time(app, "--interval", options.interval, "Time from one callback to the next");
  app.add_option("--rate", rate, "Callbacks per second instead of --interval")
      ->check(CLI::PositiveNumber)
      ->excludes("--interval");
  add_time(app, "--timeout", options.timeout, "How long the sender waits for its answer");
  app.add_option("--ids-max", options.ids_max, "Ids in a callback: 0 to this many")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--id-range", options.id_range, "Ids are less than this")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--count", options.count, "Stop after this many callbacks (0: do not stop)");
  add_time(app, "--duration", options.duration, "Stop after this time (0: do not stop)");
  add_time(app, "--linger", options.linger, "Then continue as a source for this long");
  app.add_option("--connections", options.connections, "Connections of the sender, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--fail-on-refused", options.fail_on_refused,
               "Exit with 1 if any callback was not accepted");
  app.add_flag("--no-sender", options.no_sender, "Run only the source");
}

void add_source_options(CLI::App& app, Options& options) {
  const auto percent = CLI::Range(0.0, 100.0);
  app.add_option("--listen", options.listen, "Where the source listens")->capture_default_str();
  add_time(app, "--latency-min", options.latency_min, "An answer takes at least this long");
  add_time(app, "--latency-spread", options.latency_spread, "and up to this much longer");
  app.add_option("--fail-percent", options.fail_percent, "Fetches answered with 500")
      ->check(percent);
  app.add_option("--hang-percent", options.hang_percent, "Fetches not answered")->check(percent);
  app.add_option("--not-found-percent", options.not_found_percent, "Fetches answered with 404")
      ->check(percent);
  app.add_option("--capacity", options.capacity,
                 "Fetches at a time; more are answered with 503 (0: no limit)");
  add_time(app, "--capacity-change", options.capacity_change,
           "The capacity halves, and doubles again, each time this has passed (0: it stays)");
  app.add_flag("--no-source", options.no_source, "Run only the sender");
}

}  // namespace

bool parse_options(int argc, char** argv, Options& options, int& exit_code) {
  CLI::App app("Sends callbacks and answers for their objects, as Postoffice's surroundings do.",
               "postoffice-tester");
  double rate = 0;
  add_sender_options(app, options, rate);
  add_source_options(app, options);
  app.add_option("--seed", options.seed, "Seed of all random choices (0: from the system)");
  app.add_option("--record", options.record,
                 "Write accepted callbacks and fetches here, one JSON object per line");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : exit_usage;
    return false;
  }
  if (rate > 0) options.interval = std::chrono::microseconds(std::llround(1e6 / rate));
  if (options.interval.count() == 0) options.interval = std::chrono::microseconds(1);
  if (options.seed == 0) options.seed = std::random_device{}();
  return true;
}

}  // namespace tester
