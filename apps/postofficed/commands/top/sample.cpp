#include "commands/top/sample.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace postofficed::top {
namespace {

/// The first place that has a number.
Number first_of(std::initializer_list<const JsonValue*> places) {
  for (const JsonValue* place : places) {
    if (const auto number = place->number()) return number;
  }
  return std::nullopt;
}

Number sum_of(Number first, Number second) {
  if (!first) return second;
  return *first + second.value_or(0);
}

/// A publisher's callbacks do not pass through its own pipeline.
Counters read_counters(const JsonValue& status) {
  const auto& ingress = status["ingress"];
  const auto& publisher = status["broker"]["publisher"];
  Counters counters;
  counters.callbacks = first_of(
      {&ingress["accepted"], &publisher["accepted_callbacks"], &status["accepted_callbacks"]});
  counters.ids = first_of({&publisher["accepted_ids"], &status["accepted_ids"]});
  counters.refused = sum_of(ingress["refused"].number(), ingress["malformed"].number());
  counters.fetches = status["fetches"].number();
  counters.failures = status["fetch_failures"].number();
  counters.stored = status["stored"].number();
  counters.deleted = status["deleted"].number();
  return counters;
}

/// Of all outcomes together, but for the fetches that never reached the source.
std::optional<Histogram> read_source(const JsonValue& outcomes) {
  Histogram all;
  for (const auto& [outcome, value] : outcomes.members()) {
    if (outcome == "unreachable") continue;
    if (const auto one = read_histogram(value)) all = sum(std::move(all), *one);
  }
  if (all.counts.empty()) return std::nullopt;
  return all;
}

Histograms read_histograms(const JsonValue& all) {
  Histograms histograms;
  histograms.ingress = read_histogram(all["ingress_duration_seconds"]);
  histograms.flush = read_histogram(all["journal_flush_duration_seconds"]);
  histograms.source = read_source(all["fetch_duration_seconds"]);
  histograms.store = read_histogram(all["store_transaction_duration_seconds"]);
  histograms.receipt_to_row = read_histogram(all["receipt_to_row_seconds"]);
  return histograms;
}

int badness(const Part& part) {
  constexpr std::pair<std::string_view, int> order[] = {
      {"down", 0}, {"degraded", 1}, {"behind", 2}, {"well", 4}, {"idle", 5}};
  for (const auto& [state, rank] : order) {
    if (part.state == state) return rank;
  }
  return 3;
}

/// A daemon that lists troubles only: a part with one of them is not well, and of the others it
/// knows no more than a word.
std::vector<Part> read_troubles(const JsonValue& health) {
  std::vector<Part> parts;
  for (const auto& trouble : health["troubles"].items()) {
    Part part;
    part.name = trouble["part"].text();
    part.state = "down";
    part.error = trouble["what"].text();
    part.next = trouble["next"].text();
    parts.push_back(std::move(part));
  }
  for (const char* name : {"queue", "broker", "source", "store"}) {
    const auto word = health[name].text();
    if (word != "up") continue;
    Part part;
    part.name = name;
    part.state = "well";
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<Part> read_parts(const JsonValue& health) {
  std::vector<Part> parts;
  for (const auto& value : health["parts"].items()) {
    Part part;
    part.name = value["part"].text();
    part.state = value["state"].text();
    part.for_seconds = value["for_seconds"].number();
    part.error = value["last_error"].text();
    part.means = value["means"].text();
    part.next = value["next"].text();
    parts.push_back(std::move(part));
  }
  if (parts.empty()) parts = read_troubles(health);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return badness(a) < badness(b); });
  return parts;
}

void read_levels(const JsonValue& status, Sample& sample) {
  const auto& queue = status["queue"];
  const auto& ingress = status["ingress"];
  sample.in_flight = status["fetches_in_flight"].number();
  sample.fetch_limit = status["fetch_limit"].number();
  sample.pending = status["pending"].number();
  sample.known = status["known_ids"].number();
  sample.lag = status["watermark_lag_seconds"].number();
  sample.online = status["rows"]["online"].number();
  sample.offline = status["rows"]["offline"].number();
  sample.dead_letters = status["dead_letters"].number();
  sample.queue_bytes = first_of({&status["queue_bytes"], &queue["bytes_on_disk"], &queue["bytes"]});
  sample.queue_limit = first_of({&status["queue_limit_bytes"], &queue["limit_bytes"]});
  sample.disk_free = first_of({&status["disk_free_bytes"], &queue["disk_free_bytes"]});
  sample.connections = first_of({&status["ingress_connections"], &ingress["connections"]});
  sample.connections_max =
      first_of({&status["ingress_connections_max"], &ingress["connections_max"]});
}

}  // namespace

Sample read_sample(const JsonValue& status, const JsonValue& health) {
  Sample sample;
  sample.version = status["version"].text();
  sample.state = health["status"].text();
  sample.uptime = status["uptime_seconds"].number();
  sample.counters = read_counters(status);
  sample.histograms = read_histograms(status["histograms"]);
  read_levels(status, sample);
  for (const auto& [cause, seconds] : status["oldest_waiting_seconds"].members()) {
    if (const auto number = seconds.number()) sample.oldest.emplace_back(cause, *number);
  }
  sample.parts = read_parts(health);
  return sample;
}

}  // namespace postofficed::top
