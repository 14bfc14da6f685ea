// /livez, /readyz, /healthz: whether it runs, can accept callbacks, and has no trouble.
#include <algorithm>
#include <string_view>
#include <utility>

#include "admin/health.hpp"
#include "admin/health/figures.hpp"
#include "admin/pages.hpp"
#include "admin/troubles.hpp"
#include "support/json.hpp"

namespace postofficed {

void show_live(const Shown&, const Request&, const Respond& respond) {
  respond({200, "text/plain; charset=utf-8", "ok\n", {}});
}

// Ready means: a callback can be made durable now. The store and the source do not matter here:
// taking a daemon out of service because its database is down would lose the callbacks that it is
// there to keep.
void show_ready(const Shown& shown, const Request&, const Respond& respond) {
  const std::string reason = shown.not_ready();
  const bool ready = reason.empty();
  Json json;
  json.begin_object().member("ready", ready);
  if (!ready) json.member("reason", reason);
  json.end_object();
  respond({ready ? 200 : 503, "application/json", json.text() + "\n", {}});
}

namespace {

// Its own state among those that share the database. A wrong clock only makes deletes late.
void write_instance(Json& json, const Shown& shown) {
  const auto found = shown.instance ? shown.instance() : std::nullopt;
  if (!found) return;
  const auto& status = *found;
  json.member("instance", status.fenced       ? "fenced"
                          : status.registered ? "registered"
                                              : "unregistered");
  json.member("clock_skew_seconds", std::chrono::duration<double>(status.skew).count());
}

/// What only the states of the parts know. A part that is in trouble is in one for a reader of the
/// troubles, too.
void add_troubles(const std::vector<PartHealth>& parts, Troubles& troubles) {
  for (const PartHealth& part : parts) {
    const bool known = std::any_of(troubles.begin(), troubles.end(), [&](const Trouble& trouble) {
      return trouble.part == part.part || trouble.what == part.means;
    });
    if (is_trouble(part.state) && !known) {
      troubles.push_back({part.part, part.means, part.next, part.state});
    }
  }
  for (const PartHealth& part : parts) {
    for (const PartEvent& event : part.events) {
      troubles.push_back({part.part, event.means, event.next, event.state});
    }
  }
}

}  // namespace

Troubles find_troubles(const Shown& shown, const postoffice::PipelineStatus& status) {
  Troubles troubles;
  for (const auto find :
       {find_queue_troubles, find_store_troubles, find_row_troubles, find_source_troubles,
        find_answer_troubles, find_backlog_troubles, find_broker_troubles, find_log_troubles}) {
    find(shown, status, troubles);
  }
  return troubles;
}

void write_troubles(Json& json, const Troubles& troubles) {
  json.key("troubles").begin_array();
  for (const Trouble& trouble : troubles) {
    json.begin_object().member("part", trouble.part).member("what", trouble.what);
    if (!trouble.next.empty()) json.member("next", trouble.next);
    json.end_object();
  }
  json.end_array();
}

// 503 when anything is wrong, so that a plain uptime check notices; the body says what.
// Orchestrators that restart or drain on a 503 should use /livez and /readyz.
void show_health(const Shown& shown, const Request&, const Respond& respond) {
  const auto status = shown.status();
  auto figures = read_figures(shown, status);
  const auto parts = find_parts(shown, figures);
  auto troubles = std::move(figures.troubles);
  const auto word = [&](std::string_view name) {
    const bool trouble = std::any_of(troubles.begin(), troubles.end(),
                                     [&](const Trouble& one) { return one.part == name; });
    const bool down = std::any_of(parts.begin(), parts.end(), [&](const PartHealth& part) {
      return part.part == name && part.state == PartState::down;
    });
    return trouble || down ? "down" : "up";
  };
  const std::string queue = word("queue"), store = word("store"), source = word("source"),
                    broker = word("broker");
  add_troubles(parts, troubles);
  Json json;
  json.begin_object()
      .member("status", troubles.empty() ? "well" : "degraded")
      .member("queue", queue)
      .member("store", store);
  if (shown.source) json.member("source", source);
  json.member("watermark_lag_seconds", watermark_lag_seconds(shown, status))
      .member("age_seconds", age_seconds(shown, status))
      .member("pending_ids", status.pending);
  if (shown.broker) json.member("broker", broker);
  write_instance(json, shown);
  write_parts(json, parts, shown.clock.now());
  write_troubles(json, troubles);
  json.end_object();
  respond({troubles.empty() ? 200 : 503, "application/json", json.text() + "\n", {}});
}

}  // namespace postofficed
