// The broker, and the queue of those that have no other.
#include "admin/health/figures.hpp"

namespace postofficed {

Findings judge_broker(const HealthFigures& figures, const HealthTrends&, const HealthBounds&) {
  Findings findings;
  add_troubles(figures, "broker", findings);
  if (!figures.space) add_troubles(figures, "queue", findings);
  return findings;
}

}  // namespace postofficed
