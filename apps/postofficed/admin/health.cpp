// /livez, /readyz, /healthz: is it running, can it take callbacks, is everything well.
#include "admin/pages.hpp"
#include "support/json.hpp"

namespace postofficed {

void show_live(const Shown&, const Request&, const Respond& respond) {
  respond({200, "text/plain; charset=utf-8", "ok\n", {}});
}

// Ready means: a callback can be made durable now. The store and the source do not matter here; to
// take a daemon out of service because its database is down would lose what it exists to keep.
void show_ready(const Shown& shown, const Request&, const Respond& respond) {
  const bool ready = shown.ready();
  Json json;
  json.begin_object().member("ready", ready);
  if (!ready) json.member("reason", "no callback can be made durable now");
  json.end_object();
  respond({ready ? 200 : 503, "application/json", json.text() + "\n", {}});
}

namespace {

// Its own line among those that share the database. A clock that is off only makes rows go late.
void write_instance(Json& json, const postoffice::PostgresObjectStore* store) {
  if (!store) return;
  const auto status = store->instance_status();
  json.member("instance", status.fenced       ? "fenced"
                          : status.registered ? "registered"
                                              : "unregistered");
  json.member("clock_skew_seconds", std::chrono::duration<double>(status.skew).count());
}

}  // namespace

// 503 when anything is wrong, so that a plain uptime check sees it; the body says what.
// Orchestrators that restart or drain on a 503 are to look at /livez and /readyz.
void show_health(const Shown& shown, const Request&, const Respond& respond) {
  const auto status = shown.status();
  const bool writable = shown.ready();
  const bool fenced = shown.shared_store && shown.shared_store->instance_status().fenced;
  const bool broker_well = !shown.broker || shown.broker().well();
  const bool well = status.store_up && !status.source_open && writable && broker_well && !fenced;
  const auto word = [](bool up) { return up ? "up" : "down"; };
  Json json;
  json.begin_object()
      .member("status", well ? "well" : "degraded")
      .member("queue", word(writable))
      .member("store", word(status.store_up))
      .member("source", word(!status.source_open))
      .member("watermark_lag_seconds", watermark_lag_seconds(status))
      .member("pending_ids", status.pending);
  if (shown.broker) json.member("broker", word(broker_well));
  write_instance(json, shown.shared_store);
  json.end_object();
  respond({well ? 200 : 503, "application/json", json.text() + "\n", {}});
}

}  // namespace postofficed
