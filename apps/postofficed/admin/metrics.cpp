// /metrics: counters, gauges and histograms for Prometheus (docs/metrics.md).
#include "admin/health.hpp"
#include "admin/metrics_sections.hpp"

namespace postofficed {

void show_metrics(const Shown& shown, const Request& request, const Respond& respond) {
  const auto accept = postoffice::header_value(request, "accept");
  const auto format = metrics_format(accept.value_or(""));
  const auto status = shown.status();
  MetricsText out(format);
  // Without a source all ids are passed on, and other processes count how they end.
  shown.source ? write_pipeline(out, shown, status) : write_accepted(out, status);
  write_store_up(out, store_is_up(shown, status));
  if (const auto counts = shown.counts ? shown.counts() : std::nullopt) write_counts(out, *counts);
  write_queue(out, shown, status);
  if (shown.journal) write_journal(out, *shown.journal);
  if (shown.ingress) write_ingress(out, shown.ingress->status());
  if (shown.broker) write_broker(out, shown.broker());
  if (shown.admin) write_admin(out, shown.admin());
  out.gauge("postoffice_snapshot_age_seconds",
            "Age of the pipeline's figures; above about a second: the pipeline is stuck.",
            age_seconds(shown, status));
  write_parts(out, find_parts(shown, status));
  write_log(out, postoffice::status_of(shown.log));
  write_process(out);
  respond({200, content_type_of(format), out.finish(), {{"Vary", "Accept"}}});
}

}  // namespace postofficed
