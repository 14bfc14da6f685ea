// /history: the samples behind the curves of the live page, and what is wrong at present.
#include <cmath>
#include <string>

#include "admin/health.hpp"
#include "admin/health/figures.hpp"
#include "admin/history/figures.hpp"
#include "admin/history/recorder.hpp"
#include "admin/pages.hpp"
#include "admin/troubles.hpp"
#include "options/values.hpp"
#include "postoffice/version.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

std::int64_t milliseconds(postoffice::Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

// Most of the text is these: no fractions beyond what a curve shows.
void write_number(Json& json, double value) {
  if (std::isnan(value)) {
    json.null();
  } else if (value == std::floor(value) && std::abs(value) < 9e15) {
    json.value(static_cast<std::int64_t>(value));
  } else {
    json.value(std::round(value * 1'000) / 1'000);
  }
}

void write_samples(Json& json, const SampleRing& ring, std::uint64_t from) {
  json.member("first", from).key("at").begin_array();
  for (auto i = from; i < ring.end(); ++i) json.value(milliseconds(ring[i].at));
  json.end_array().key("figures").begin_object();
  for (std::size_t figure = 0; figure < figures().size(); ++figure) {
    json.key(figures()[figure].name).begin_array();
    for (auto i = from; i < ring.end(); ++i) write_number(json, ring[i].figures[figure]);
    json.end_array();
  }
  json.end_object();
}

// A row for each sample, without the zeros at its end; 0 if nothing was counted.
void write_row(Json& json, const Sample::Buckets& buckets) {
  auto size = buckets.size();
  while (size > 0 && buckets[size - 1] == 0) --size;
  if (size == 0) {
    json.value(0);
    return;
  }
  json.begin_array();
  for (std::size_t i = 0; i < size; ++i) json.value(buckets[i]);
  json.end_array();
}

void write_histograms(Json& json, const Recorder& recorder, const SampleRing& ring,
                      std::uint64_t from) {
  json.key("histograms").begin_object();
  for (std::size_t i = 0; i < histogram_figures().size(); ++i) {
    if (recorder.bounds()[i].empty()) continue;
    json.key(histogram_figures()[i].name).begin_object().key("bounds").begin_array();
    for (const double bound : recorder.bounds()[i]) json.value(bound);
    json.end_array().key("counts").begin_array();
    for (auto sample = from; sample < ring.end(); ++sample) {
      write_row(json, ring[sample].histograms[i]);
    }
    json.end_array().end_object();
  }
  json.end_object();
}

void write_health(Json& json, const Shown& shown) {
  const auto figures = read_figures(shown, shown.status());
  write_parts(json, find_parts(shown, figures), shown.clock.now());
  write_troubles(json, figures.troubles);
}

void write_daemon(Json& json, const Shown& shown) {
  json.member("version", postoffice::version())
      .member("now", milliseconds(shown.clock.now()))
      .member("uptime_seconds", uptime_seconds(shown));
  if (const auto ttl = parse_duration(shown_option(shown, "ttl"))) {
    json.member("ttl_seconds", std::chrono::duration<double>(*ttl).count());
  }
  json.member("has_instances", static_cast<bool>(shown.instances));
}

}  // namespace

// Everything that the page needs once a second, in one request that is 200 whatever is wrong: a
// browser writes each 503 to its console.
void show_history(const Shown& shown, const Request& request, const Respond& respond) {
  if (!shown.recorder) return respond(problem_response(404, "this process keeps no history"));
  const auto by = postoffice::query_value(request.query, "by").value_or("second");
  if (by != "second" && by != "minute") {
    return respond(problem_response(400, "by: \"" + by + "\" must be second or minute"));
  }
  const auto& history = shown.recorder->history();
  const auto& ring = by == "second" ? history.seconds() : history.minutes();
  auto from = ring.begin();
  if (const auto after = postoffice::query_value(request.query, "after")) {
    const auto number = parse_count(*after);
    if (!number) return respond(problem_response(400, "after: \"" + *after + "\" is no number"));
    // Beyond the newest: numbers of an earlier process. Everything is new then.
    if (*number < ring.end()) from = std::max(from, *number + 1);
  }
  Json json;
  json.begin_object();
  write_daemon(json, shown);
  write_health(json, shown);
  json.member("by", by);
  write_samples(json, ring, from);
  write_histograms(json, *shown.recorder, ring, from);
  json.end_object();
  respond({200, "application/json", json.text() + "\n", {}});
}

}  // namespace postofficed
