// Expiry: are rows deleted when their time has come.
#include <chrono>
#include <string>

#include "admin/health/figures.hpp"

namespace postofficed {

bool watermark_lags(const HealthFigures& figures) {
  if (figures.pipeline.watermark <= postoffice::Timestamp{}) return false;
  return std::chrono::duration<double>(figures.watermark_lag_seconds) > HealthBounds::watermark_lag;
}

Findings judge_expiry(const HealthFigures& figures, const HealthTrends& trends,
                      const HealthBounds&) {
  Findings findings;
  add_troubles(figures, "expiry", findings);
  const std::chrono::duration<double> lag(figures.watermark_lag_seconds);
  const bool store = has_trouble(figures, "store");
  const auto late = std::chrono::duration_cast<postoffice::Duration>(lag);
  if (trends.lagging_since <= figures.now - HealthBounds::lagging_for) {
    // The store's own trouble has been logged.
    findings.push_back({PartState::behind,
                        "rows are deleted " + in_seconds(late) + " late, the bound is " +
                            in_seconds(HealthBounds::watermark_lag) +
                            "; receipts must be on their rows first (none is deleted early)",
                        store ? "see the part store"
                              : "see the parts store and source, and postoffice_touches_waiting",
                        {},
                        store || has_trouble(figures, "broker"),
                        HealthBounds::watermark_lag});
  } else if (store) {
    findings.push_back({PartState::behind,
                        "nothing is deleted while the store cannot be used",
                        "see the part store",
                        {},
                        true});
  }
  return findings;
}

}  // namespace postofficed
