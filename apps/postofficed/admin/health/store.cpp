// The store: can it be used, does it take all rows, in time.
#include <string>

#include "admin/health/figures.hpp"

namespace postofficed {

Findings judge_store(const HealthFigures& figures, const HealthTrends&, const HealthBounds&) {
  Findings findings;
  add_troubles(figures, "store", findings);
  for (Finding& finding : findings) {
    if (!figures.store.reason.empty()) finding.error = figures.store.reason;
  }
  add_troubles(figures, "rows", findings);
  const auto oldest = figures.pipeline.oldest_waiting.store;
  const bool known = oldest != postoffice::Timestamp{};
  if (known && figures.now - oldest > HealthBounds::late_row) {
    findings.push_back({PartState::behind,
                        "answers wait for their rows, the oldest for " +
                            in_seconds(figures.now - oldest) + ", the bound is " +
                            in_seconds(HealthBounds::late_row),
                        "see what the database is busy with (pg_stat_activity), and its disk",
                        {},
                        false,
                        HealthBounds::late_row});
  }
  if (findings.empty() && !figures.store.reached) {
    findings.push_back({PartState::idle, "it has not been reached yet", {}, {}, true});
  }
  return findings;
}

}  // namespace postofficed
