// /version and /status: what this process is and does, for people and scripts.
#include <algorithm>
#include <chrono>
#include <optional>

#include "admin/histograms.hpp"
#include "admin/pages.hpp"
#include "postoffice/version.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

void write_ids(Json& json, const postoffice::PipelineStatus& status) {
  json.member("accepted_callbacks", status.accepted_callbacks)
      .member("accepted_ids", status.accepted_ids)
      .member("stored", status.stored)
      .member("merged", status.merged)
      .member("not_found", status.not_found)
      .member("expired", status.expired)
      .member("dead", status.dead)
      .member("pending", status.pending)
      .member("accounting_imbalance", status.imbalance());
}

void write_waiting(Json& json, const postoffice::PipelineStatus& status) {
  const auto seconds = [&](postoffice::Timestamp since) {
    return std::max(0.0, std::chrono::duration<double>(status.now - since).count());
  };
  json.key("oldest_waiting_seconds")
      .begin_object()
      .member("fetch", seconds(status.oldest_waiting.fetch))
      .member("backoff", seconds(status.oldest_waiting.backoff))
      .member("store", seconds(status.oldest_waiting.store))
      .member("touch", seconds(status.oldest_waiting.touch))
      .end_object();
  json.key("fetch_retries")
      .begin_object()
      .member("timeout", status.fetch_retries.timeout)
      .member("unreachable", status.fetch_retries.unreachable)
      .member("refused", status.fetch_retries.refused)
      .end_object();
}

void write_counts(Json& json, const StoreCounts& counts) {
  json.key("rows")
      .begin_object()
      .member("online", counts.online)
      .member("offline", counts.offline)
      .end_object()
      .member("dead_letters", counts.dead_letters);
}

// What is not known, or unlimited, is null.
void write_space(Json& json, const postoffice::FileQueue::Space& space) {
  const auto bytes = [&](const char* name, std::uint64_t value) {
    json.key(name);
    value == space.unknown ? json.null() : json.value(value);
  };
  bytes("disk_free_bytes", space.disk_free);
  bytes("limit_bytes", space.limit);
  json.member("growth_stopped", space.growth_stopped).member("spare_taken", space.spare_taken);
}

void write_work(Json& json, const postoffice::PipelineStatus& status, bool store_up) {
  json.member("fetches", status.fetches)
      .member("fetch_failures", status.fetch_failures)
      .member("fetches_in_flight", status.fetches_in_flight)
      .member("fetch_limit", status.fetch_limit)
      .member("touches", status.touches)
      .member("deleted", status.deleted)
      .member("carried", status.carried)
      .member("store_failures", status.store_failures)
      .member("ids_in_queue_only", status.ids_in_queue_only)
      .member("behind_since", status.behind_since)
      .member("oldest_in_queue_only", status.oldest_in_queue_only)
      .member("known_ids", status.known_ids)
      .member("touches_waiting", status.touches_waiting)
      .member("answers_waiting", status.answers_waiting)
      .member("retries_waiting", status.retries_waiting)
      .member("source_open", status.source_open)
      .member("store_up", store_up)
      .member("stuck_rows", status.stuck_rows)
      .member("stuck_deletes", status.stuck_deletes);
}

void write_queue(Json& json, const Shown& shown, const postoffice::PipelineStatus& status) {
  const auto& queue = status.queue;
  const auto& statistics = status.queue_statistics;
  const auto space = shown.journal ? std::optional(shown.journal->space()) : std::nullopt;
  json.key("queue")
      .begin_object()
      .member("last_durable", queue.last_durable)
      .member("acknowledged", queue.acknowledged)
      .member("acknowledged_at", statistics.acknowledged_at)
      .member("frontier", queue.frontier)
      .member("bytes", space ? space->held : statistics.bytes)
      .member("writable", statistics.writable);
  if (space) write_space(json, *space);
  json.end_object();
}

void write_ingress(Json& json, const postoffice::HttpIngressStatus& ingress) {
  json.key("ingress")
      .begin_object()
      .member("connections", ingress.connections)
      .member("connections_max", ingress.connections_max)
      .member("accepted", ingress.accepted)
      .member("malformed", ingress.malformed)
      .member("refused", ingress.refused)
      .member("other", ingress.other)
      .key("responses")
      .begin_array();
  for (const auto& [status, reason, count] : ingress.responses) {
    if (count == 0) continue;
    json.begin_object()
        .member("status", status)
        .member("reason", reason)
        .member("count", count)
        .end_object();
  }
  json.end_array().end_object();
}

void write_source(Json& json, const postoffice::HttpObjectSourceStatus& source) {
  json.key("source")
      .begin_object()
      .member("connections", source.connections)
      .member("connections_max", source.connections_max)
      .member("connecting", source.connecting)
      .member("idle", source.idle)
      .member("keep_alive", source.keeping)
      .member("refused_in_a_row", source.refused_in_a_row)
      .end_object();
}

void write_log(Json& json, const postoffice::LogStatus& log) {
  json.key("log")
      .begin_object()
      .member("waiting", log.waiting)
      .member("dropped", log.dropped)
      .end_object();
}

}  // namespace

void show_version(const Shown&, const Request&, const Respond& respond) {
  Json json;
  json.begin_object()
      .member("name", "postofficed")
      .member("version", postoffice::version())
      .member("compiler", __VERSION__)
      .end_object();
  respond({200, "application/json", json.text() + "\n", {}});
}

void show_status(const Shown& shown, const Request&, const Respond& respond) {
  const auto status = shown.status();
  Json json;
  json.begin_object()
      .member("version", postoffice::version())
      .member("uptime_seconds", uptime_seconds(shown))
      .member("now", status.now)
      .member("age_seconds", age_seconds(shown, status))
      .member("watermark", status.watermark)
      .member("watermark_lag_seconds", watermark_lag_seconds(shown, status))
      .member("oldest_pending", status.oldest_pending);
  write_ids(json, status);
  write_work(json, status, store_is_up(shown, status));
  if (shown.source) write_waiting(json, status);
  if (const auto counts = shown.counts ? shown.counts() : std::nullopt) write_counts(json, *counts);
  write_queue(json, shown, status);
  if (shown.ingress) write_ingress(json, shown.ingress->status());
  if (shown.source) write_source(json, shown.source->status());
  if (shown.broker) write_broker(json, shown.broker());
  if (shown.admin) {
    const auto admin = shown.admin();
    json.key("admin")
        .begin_object()
        .member("connections", admin.connections)
        .member("connections_max", admin.connections_max)
        .end_object();
  }
  write_histograms(json, shown, status);
  write_log(json, postoffice::status_of(shown.log));
  json.key("options").begin_object();
  for (const auto& option : shown.options.get()) json.member(option.name, option.value);
  json.end_object().end_object();
  respond({200, "application/json", json.text() + "\n", {}});
}

}  // namespace postofficed
