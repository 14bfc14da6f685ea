// /version and /status: what this process is and does, for people and scripts.
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
      .member("pending", status.pending);
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

void write_queue(Json& json, const postoffice::QueueProgress& queue,
                 const postoffice::QueueStatistics& statistics) {
  json.key("queue")
      .begin_object()
      .member("last_durable", queue.last_durable)
      .member("acknowledged", queue.acknowledged)
      .member("acknowledged_at", statistics.acknowledged_at)
      .member("frontier", queue.frontier)
      .member("bytes", statistics.bytes)
      .member("writable", statistics.writable)
      .end_object();
}

void write_ingress(Json& json, const postoffice::HttpIngressStatus& ingress) {
  json.key("ingress")
      .begin_object()
      .member("connections", ingress.connections)
      .member("accepted", ingress.accepted)
      .member("malformed", ingress.malformed)
      .member("refused", ingress.refused)
      .end_object();
}

void write_source(Json& json, const postoffice::HttpObjectSourceStatus& source) {
  json.key("source")
      .begin_object()
      .member("connections", source.connections)
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
  write_queue(json, status.queue, status.queue_statistics);
  if (shown.ingress) write_ingress(json, shown.ingress->status());
  if (shown.source) write_source(json, shown.source->status());
  if (shown.broker) write_broker(json, shown.broker());
  write_log(json, postoffice::status_of(shown.log));
  json.key("options").begin_object();
  for (const auto& option : shown.options.get()) json.member(option.name, option.value);
  json.end_object().end_object();
  respond({200, "application/json", json.text() + "\n", {}});
}

}  // namespace postofficed
