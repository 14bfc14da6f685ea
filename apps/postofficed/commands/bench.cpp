// `postofficed bench`: what this machine and this disk promise.
#include <cstdio>
#include <filesystem>
#include <optional>

#include "commands/bench/measure.hpp"
#include "commands/bench/report.hpp"
#include "commands/commands.hpp"
#include "options/config_file.hpp"
#include "support/figures.hpp"
#include "support/held_signals.hpp"
#include "support/mount.hpp"
#include "support/progress.hpp"
#include "support/work_directory.hpp"

namespace postofficed {
namespace {

using namespace bench;

constexpr std::uint64_t space_wanted = std::uint64_t{1} << 30;  // a few files of the queue

/// Where the data directory is, or will be.
std::string nearest_directory(const std::string& path) {
  std::error_code error;
  auto place = std::filesystem::absolute(path, error);
  while (!std::filesystem::is_directory(place, error) && place.has_relative_path()) {
    place = place.parent_path();
  }
  return place.string();
}

Result<JsonValue> read_certificate(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  auto value = JsonValue::parse(*text);
  // A file ends with a new line, which belongs to no JSON; the reader takes it as space.
  if (!value || (*value)["certificate"].text() != certificate_name) {
    return misconfigured("--compare: " + path + " is not what bench --json writes");
  }
  return *std::move(value);
}

Failure check_space(const std::string& directory) {
  const auto space = find_space(directory);
  if (!space) return {ExitCode::journal, "bench in " + directory + ": " + space.error().text()};
  if (!space->counts_bytes || space->free_bytes >= space_wanted) return {};
  return {ExitCode::journal, "bench in " + directory + ": needs " +
                                 show_bytes(static_cast<double>(space_wanted)) + ", and only " +
                                 show_bytes(static_cast<double>(space->free_bytes)) + " are free"};
}

/// Nothing after a signal, which comes through when everything is cleaned up.
Result<std::optional<Figures>> measure_in(const std::string& parent, const Parameters& parameters,
                                          const HeldSignals& signals) {
  const WorkDirectory work(parent, "postofficed-bench-");
  if (work.error()) {
    return Failure(ExitCode::journal, "bench in " + parent + ": " + work.error().message());
  }
  Progress progress("bench");
  auto figures = measure(work.path(), parameters, signals, progress);
  if (signals.any()) return std::optional<Figures>();
  if (!figures) return std::move(figures).error();
  return std::optional<Figures>(*std::move(figures));
}

void print(const Options& options, const std::string& parent, const Figures& figures,
           const std::optional<JsonValue>& certificate) {
  const auto verdict = judge(figures);
  const auto comparisons = certificate ? compare(figures, *certificate) : std::vector<Comparison>();
  const auto text = options.json ? to_json(figures, verdict, comparisons, parent) + "\n"
                                 : to_text(figures, verdict, comparisons);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

Failure run_bench(const Options& options) {
  std::optional<JsonValue> certificate;
  if (!options.compare.empty()) {
    auto read = read_certificate(options.compare);
    if (!read) return std::move(read).error();
    certificate = *std::move(read);
  }
  const auto parent =
      options.directory.empty() ? nearest_directory(options.data_dir) : options.directory;
  if (auto failure = check_space(parent)) return failure;
  Parameters parameters;
  parameters.seconds = static_cast<double>(options.seconds.count());
  parameters.ingress_threads = options.ingress_threads;
  const HeldSignals signals;
  const auto figures = measure_in(parent, parameters, signals);
  if (!figures) return figures.error();
  if (*figures) print(options, parent, **figures, certificate);
  return {};
}

}  // namespace postofficed
