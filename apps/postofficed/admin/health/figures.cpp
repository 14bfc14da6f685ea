#include "admin/health/figures.hpp"

#include <cstdio>

namespace postofficed {

HealthFigures read_figures(const Shown& shown, const postoffice::PipelineStatus& status) {
  HealthFigures figures;
  figures.now = shown.clock.now();
  figures.pipeline = status;
  figures.troubles = find_troubles(shown, status);
  figures.stopping = shown.stopping && shown.stopping();
  figures.has_source = shown.source != nullptr;
  figures.has_broker = static_cast<bool>(shown.broker);
  figures.watermark_lag_seconds = watermark_lag_seconds(shown, status);
  if (shown.ingress) figures.ingress = shown.ingress->status();
  if (shown.journal) {
    figures.space = shown.journal->space();
    figures.lost_records = shown.journal->lost_records();
  }
  figures.store.reached = true;
  if (shown.store_status) figures.store = shown.store_status();
  if (shown.counts) figures.counts = shown.counts();
  return figures;
}

void add_troubles(const HealthFigures& figures, const char* part, Findings& findings) {
  for (const Trouble& trouble : figures.troubles) {
    if (trouble.part != part) continue;
    findings.push_back({trouble.state, trouble.what, trouble.next, trouble.what, true});
  }
}

bool has_trouble(const HealthFigures& figures, const char* part) {
  Findings findings;
  add_troubles(figures, part, findings);
  return !findings.empty();
}

std::string in_seconds(postoffice::Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(span).count());
  return text;
}

}  // namespace postofficed
