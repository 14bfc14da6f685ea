#include "commands/top/figures_json.hpp"

#include <cmath>
#include <cstdint>
#include <utility>

#include "support/json.hpp"

namespace postofficed::top {
namespace {

// Counts are whole, and look like it.
void put(Json& json, const char* name, const Number& number) {
  constexpr double exact_max = 9e15;
  if (!number) return;
  if (*number == std::floor(*number) && std::abs(*number) < exact_max) {
    json.member(name, static_cast<std::int64_t>(*number));
  } else {
    json.member(name, *number);
  }
}

void put(Json& json, const char* name, const Latency& latency) {
  if (!latency.p50 || !latency.p99) return;
  json.key(name)
      .begin_object()
      .member("p50", latency.p50->seconds)
      .member("p99", latency.p99->seconds)
      .member("beyond_all_bounds", latency.p99->beyond)
      .end_object();
}

void put_rates(Json& json, const Counters& rates) {
  json.key("rates").begin_object();
  put(json, "callbacks", rates.callbacks);
  put(json, "ids", rates.ids);
  put(json, "refused", rates.refused);
  put(json, "fetches", rates.fetches);
  put(json, "fetch_failures", rates.failures);
  put(json, "stored", rates.stored);
  put(json, "deleted", rates.deleted);
  json.end_object();
}

void put_levels(Json& json, const Sample& now) {
  put(json, "fetches_in_flight", now.in_flight);
  put(json, "fetch_limit", now.fetch_limit);
  put(json, "pending", now.pending);
  put(json, "known_ids", now.known);
  put(json, "watermark_lag_seconds", now.lag);
  put(json, "online", now.online);
  put(json, "offline", now.offline);
  put(json, "dead_letters", now.dead_letters);
  put(json, "queue_bytes", now.queue_bytes);
  put(json, "queue_limit_bytes", now.queue_limit);
  put(json, "disk_free_bytes", now.disk_free);
  put(json, "connections", now.connections);
  put(json, "connections_max", now.connections_max);
}

void put_parts(Json& json, const std::vector<Part>& parts) {
  json.key("parts").begin_array();
  for (const auto& part : parts) {
    json.begin_object().member("part", part.name).member("state", part.state);
    put(json, "for_seconds", part.for_seconds);
    const std::pair<const char*, const std::string&> texts[] = {
        {"last_error", part.error}, {"means", part.means}, {"next", part.next}};
    for (const auto& [name, text] : texts) {
      if (!text.empty()) json.member(name, text);
    }
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string to_json(const std::string& address, const Figures& figures) {
  const auto& now = figures.now;
  Json json;
  json.begin_object()
      .member("address", address)
      .member("version", now.version)
      .member("status", now.state);
  put(json, "uptime_seconds", now.uptime);
  put(json, "interval_seconds", figures.seconds);
  put_rates(json, figures.rates);
  put_levels(json, now);
  json.key("oldest_waiting_seconds").begin_object();
  for (const auto& [cause, seconds] : now.oldest) json.member(cause, seconds);
  json.end_object().key("latency_seconds").begin_object();
  put(json, "source", figures.source);
  put(json, "answer", figures.ingress);
  put(json, "flush", figures.flush);
  put(json, "store", figures.store);
  put(json, "receipt_to_row", figures.receipt_to_row);
  json.end_object();
  put_parts(json, now.parts);
  json.end_object();
  return json.text();
}

}  // namespace postofficed::top
