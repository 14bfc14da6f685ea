#include "admin/histograms.hpp"

namespace postofficed {
namespace {

void write(Json& json, std::string_view name, const postoffice::Histogram& histogram) {
  json.key(name).begin_object().key("bounds").begin_array();
  for (const double bound : histogram.bounds) json.value(bound);
  json.end_array().key("counts").begin_array();
  for (const auto count : histogram.counts) json.value(count);
  json.end_array().member("sum", histogram.sum).member("count", histogram.count).end_object();
}

}  // namespace

void write_histograms(Json& json, const Shown& shown, const postoffice::PipelineStatus& status) {
  json.key("histograms").begin_object();
  if (shown.ingress) write(json, "ingress_duration_seconds", shown.ingress->status().durations);
  if (shown.journal) {
    write(json, "journal_flush_duration_seconds", shown.journal->flush_durations());
  }
  if (shown.source) {
    const auto& fetches = status.fetch_durations;
    json.key("fetch_duration_seconds").begin_object();
    write(json, "answered", fetches.answered);
    write(json, "not_found", fetches.not_found);
    write(json, "timeout", fetches.timeout);
    write(json, "unreachable", fetches.unreachable);
    write(json, "refused", fetches.refused);
    json.end_object();
    write(json, "store_transaction_duration_seconds", status.store_transactions);
    write(json, "receipt_to_row_seconds", status.receipt_to_row);
  }
  json.end_object();
}

}  // namespace postofficed
