// What a pipeline counts.
#include <algorithm>

#include "admin/metrics_sections.hpp"

namespace postofficed {

void write_accepted(MetricsText& out, const postoffice::PipelineStatus& status) {
  out.counter("postoffice_accepted_callbacks_total", "Callbacks accepted.",
              number(status.accepted_callbacks));
  out.counter("postoffice_accepted_ids_total", "Distinct ids per accepted callback, summed.",
              number(status.accepted_ids));
}

namespace {

double seconds_since(postoffice::Timestamp since, const postoffice::PipelineStatus& status) {
  return std::max(0.0, std::chrono::duration<double>(status.now - since).count());
}

// All of one snapshot, so that accepted = the sum of the outcomes + pending in every scrape.
void write_ids(MetricsText& out, const postoffice::PipelineStatus& status) {
  write_accepted(out, status);
  constexpr auto ids = "postoffice_ids_total";
  out.family(ids, "counter", "Accepted ids by how they ended.");
  out.sample(ids, "outcome", "stored", number(status.stored));
  out.sample(ids, "outcome", "merged", number(status.merged));
  out.sample(ids, "outcome", "not_found", number(status.not_found));
  out.sample(ids, "outcome", "expired", number(status.expired));
  out.sample(ids, "outcome", "dead", number(status.dead));
  out.gauge("postoffice_pending_ids", "Accepted ids that have not ended yet.",
            number(status.pending));
  out.gauge("postoffice_accounting_imbalance",
            "Accepted ids minus those ended and those pending; anything but 0 is a fault.",
            static_cast<double>(status.imbalance()));
  const auto seconds = [&](postoffice::Timestamp since) { return seconds_since(since, status); };
  out.gauge("postoffice_ids_in_queue_only",
            "Ids that wait in the queue only, because there is no room for them in memory.",
            number(status.ids_in_queue_only));
  out.gauge("postoffice_behind_seconds",
            "How long ids have been waiting in the queue only; 0: none do.",
            seconds(status.behind_since));
  out.gauge("postoffice_oldest_in_queue_only_seconds",
            "Age of the oldest receipt that waits in the queue only.",
            seconds(status.oldest_in_queue_only));
  out.gauge("postoffice_known_ids", "Ids held in memory.", number(status.known_ids));
}

void write_ages(MetricsText& out, const postoffice::PipelineStatus& status) {
  constexpr auto waiting = "postoffice_oldest_waiting_seconds";
  const auto& oldest = status.oldest_waiting;
  out.family(
      waiting, "gauge",
      "How long the oldest id in memory has been waiting, by what it waits for; 0: none waits.");
  out.sample(waiting, "cause", "fetch", seconds_since(oldest.fetch, status));
  out.sample(waiting, "cause", "backoff", seconds_since(oldest.backoff, status));
  out.sample(waiting, "cause", "store", seconds_since(oldest.store, status));
  out.sample(waiting, "cause", "touch", seconds_since(oldest.touch, status));
}

void write_fetches(MetricsText& out, const postoffice::PipelineStatus& status,
                   const postoffice::HttpObjectSourceStatus& source) {
  out.counter("postoffice_fetches_total", "Fetches begun.", number(status.fetches));
  out.counter("postoffice_fetch_failures_total", "Fetches that ended without an answer.",
              number(status.fetch_failures));
  constexpr auto retries = "postoffice_fetch_retries_total";
  out.family(retries, "counter", "Failed fetches that are tried again, by what became of them.");
  out.sample(retries, "cause", "timeout", number(status.fetch_retries.timeout));
  out.sample(retries, "cause", "unreachable", number(status.fetch_retries.unreachable));
  out.sample(retries, "cause", "refused", number(status.fetch_retries.refused));
  out.gauge("postoffice_fetches_in_flight", "Fetches that have not ended yet.",
            number(status.fetches_in_flight));
  out.gauge("postoffice_fetch_limit",
            "Maximum number of fetches in flight, adapted to what the source takes.",
            number(status.fetch_limit));
  out.gauge("postoffice_retries_waiting", "Ids in back-off before their next fetch.",
            number(status.retries_waiting));
  out.gauge("postoffice_source_open", "1 while the circuit breaker is open: fetches are held back.",
            status.source_open ? 1 : 0);
  constexpr auto connections = "postoffice_source_connections";
  out.family(connections, "gauge", "Connections to the source.");
  out.sample(connections, "state", "open", number(source.connections));
  out.sample(connections, "state", "connecting", number(source.connecting));
  out.sample(connections, "state", "idle", number(source.idle));
  out.gauge("postoffice_source_connections_max", "Connections to the source, at most.",
            number(source.connections_max));
}

void write_durations(MetricsText& out, const postoffice::PipelineStatus& status) {
  constexpr auto fetches = "postoffice_fetch_duration_seconds";
  out.family(fetches, "histogram", "Duration of fetches, by how they ended.");
  const auto& durations = status.fetch_durations;
  out.histogram(fetches, "outcome", "answered", durations.answered);
  out.histogram(fetches, "outcome", "not_found", durations.not_found);
  out.histogram(fetches, "outcome", "timeout", durations.timeout);
  out.histogram(fetches, "outcome", "unreachable", durations.unreachable);
  out.histogram(fetches, "outcome", "refused", durations.refused);
  constexpr auto transactions = "postoffice_store_transaction_duration_seconds";
  out.family(transactions, "histogram", "Duration of transactions that the store has committed.");
  out.histogram(transactions, {}, {}, status.store_transactions);
  constexpr auto rows = "postoffice_receipt_to_row_seconds";
  out.family(rows, "histogram",
             "From the receipt of a callback to the commit of the row of each id stored for it.");
  out.histogram(rows, {}, {}, status.receipt_to_row);
}

void write_answers(MetricsText& out, const postoffice::HttpObjectSourceStatus& source) {
  constexpr auto refused = "postoffice_refused_answers_total";
  out.family(refused, "counter", "Answers of the source that were refused, by reason.");
  for (const auto& kind : source.refused) {
    out.sample(refused, "reason", kind.reason, number(kind.count));
  }
  out.gauge("postoffice_source_keep_alive",
            "1 while connections to the source are used for more than one fetch.",
            source.keeping ? 1 : 0);
}

void write_store(MetricsText& out, const Shown& shown, const postoffice::PipelineStatus& status) {
  out.counter("postoffice_touches_total",
              "Receipts written to their rows, or found to have no row.", number(status.touches));
  out.counter("postoffice_deleted_rows_total", "Rows deleted by expiry.", number(status.deleted));
  out.counter("postoffice_store_failures_total", "Store transactions that failed and were retried.",
              number(status.store_failures));
  out.gauge("postoffice_touches_waiting", "Ids whose newest receipt is not in the store yet.",
            number(status.touches_waiting));
  out.gauge("postoffice_answers_waiting", "Answers that are not in the store yet.",
            number(status.answers_waiting));
  constexpr auto stuck = "postoffice_stuck_rows";
  out.family(stuck, "gauge",
             "Rows that the store refuses, or that are locked, while others are written.");
  out.sample(stuck, "what", "write", number(status.stuck_rows));
  out.sample(stuck, "what", "delete", number(status.stuck_deletes));
  const bool any = status.stuck_since != postoffice::Timestamp::max();
  const std::chrono::duration<double> age =
      any ? status.now - status.stuck_since : postoffice::Duration(0);
  out.gauge("postoffice_oldest_stuck_row_seconds", "Age of the oldest stuck row.",
            std::max(0.0, age.count()));
  out.gauge("postoffice_watermark_lag_seconds",
            "How far the watermark of expiry is behind the current time.",
            watermark_lag_seconds(shown, status));
}

void write_instance(MetricsText& out, const postoffice::PipelineStatus& status,
                    const postoffice::PostgresInstanceStatus& instance) {
  out.gauge("postoffice_instance_registered", "1 while this instance may write to the store.",
            instance.registered ? 1 : 0);
  out.gauge("postoffice_clock_skew_seconds", "The clock of this instance minus the database's.",
            std::chrono::duration<double>(instance.skew).count());
  out.gauge("postoffice_silent_instances",
            "Instances that deletes wait for and that have reported nothing for a minute.",
            number(instance.silent_instances));
  if (instance.watermark == postoffice::Timestamp::min()) return;
  const std::chrono::duration<double> lag = status.now - instance.watermark;
  out.gauge("postoffice_shared_watermark_lag_seconds",
            "How far the watermark of the slowest instance is behind the current time.",
            std::max(0.0, lag.count()));
}

}  // namespace

void write_pipeline(MetricsText& out, const Shown& shown,
                    const postoffice::PipelineStatus& status) {
  write_ids(out, status);
  write_ages(out, status);
  const auto source = shown.source->status();
  write_fetches(out, status, source);
  write_answers(out, source);
  write_store(out, shown, status);
  write_durations(out, status);
  const auto instance = shown.instance ? shown.instance() : std::nullopt;
  if (instance) write_instance(out, status, *instance);
}

}  // namespace postofficed
