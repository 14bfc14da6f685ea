// The states of the parts, as pages write them.
#include <algorithm>
#include <chrono>

#include "admin/health.hpp"
#include "admin/troubles.hpp"

namespace postofficed {

const char* name_of(PartState state) {
  switch (state) {
    case PartState::well: return "well";
    case PartState::behind: return "behind";
    case PartState::degraded: return "degraded";
    case PartState::down: return "down";
    case PartState::idle: break;
  }
  return "idle";
}

namespace {

PartHealth find_part(const char* name, const Troubles& troubles,
                     const postoffice::PipelineStatus& status) {
  PartHealth part;
  part.part = name;
  part.state = PartState::well;
  part.since = status.now;
  for (const Trouble& trouble : troubles) {
    if (trouble.part != name) continue;
    part.state = PartState::down;
    part.means = trouble.what;
    part.next = trouble.next;
  }
  return part;
}

}  // namespace

std::vector<PartHealth> find_parts(const Shown& shown, const postoffice::PipelineStatus& status) {
  const auto troubles = find_troubles(shown, status);
  std::vector<PartHealth> parts;
  const auto add = [&](const char* name, bool has) {
    if (has) parts.push_back(find_part(name, troubles, status));
  };
  add("ingress", shown.ingress != nullptr);
  add("queue", shown.journal != nullptr);
  add("broker", static_cast<bool>(shown.broker));
  add("source", shown.source != nullptr);
  add("store", true);
  add("expiry", shown.source != nullptr);
  return parts;
}

void write_parts(Json& json, const std::vector<PartHealth>& parts, postoffice::Timestamp now) {
  json.key("parts").begin_array();
  for (const PartHealth& part : parts) {
    const std::chrono::duration<double> age = now - part.since;
    json.begin_object()
        .member("part", part.part)
        .member("state", name_of(part.state))
        .member("since", part.since)
        .member("for_seconds", std::max(0.0, age.count()));
    if (!part.last_error.empty()) json.member("last_error", part.last_error);
    if (!part.means.empty()) json.member("means", part.means);
    if (!part.next.empty()) json.member("next", part.next);
    json.end_object();
  }
  json.end_array();
}

void write_parts(MetricsText& out, const std::vector<PartHealth>& parts) {
  constexpr auto name = "postoffice_part_state";
  out.family(name, "gauge", "1 for the state that a part is in, 0 for its other states.");
  for (const PartHealth& part : parts) {
    for (const PartState state : part_states) {
      out.sample(name, {{"part", part.part}, {"state", name_of(state)}},
                 part.state == state ? 1 : 0);
    }
  }
}

}  // namespace postofficed
