// The states of the parts, as pages write them.
#include <algorithm>
#include <chrono>

#include "admin/health.hpp"
#include "admin/health/watch.hpp"

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

std::vector<PartHealth> find_parts(const Shown& shown, const postoffice::PipelineStatus& status) {
  return find_parts(shown, read_figures(shown, status));
}

std::vector<PartHealth> find_parts(const Shown& shown, const HealthFigures& figures) {
  return shown.health ? shown.health->look(figures) : HealthWatch().look(figures);
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
