// /metrics: counters and gauges for Prometheus.
#include <algorithm>

#include "admin/health.hpp"
#include "admin/metrics_text.hpp"
#include "admin/pages.hpp"
#include "admin/process.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void write_accepted(MetricsText& out, const postoffice::PipelineStatus& status) {
  out.counter("postoffice_accepted_callbacks_total", "Callbacks accepted.",
              number(status.accepted_callbacks));
  out.counter("postoffice_accepted_ids_total", "Distinct ids per accepted callback, summed.",
              number(status.accepted_ids));
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
  const auto seconds = [&](postoffice::Timestamp since) {
    return std::max(0.0, std::chrono::duration<double>(status.now - since).count());
  };
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

void write_fetches(MetricsText& out, const postoffice::PipelineStatus& status,
                   const postoffice::HttpObjectSourceStatus& source) {
  out.counter("postoffice_fetches_total", "Fetches begun.", number(status.fetches));
  out.counter("postoffice_fetch_failures_total", "Fetches that ended without an answer.",
              number(status.fetch_failures));
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

void write_store_up(MetricsText& out, bool up) {
  out.gauge(
      "postoffice_store_up",
      "1 if the store answers and its newest operation succeeded; checked without traffic, too.",
      up ? 1 : 0);
}

void write_queue(MetricsText& out, const postoffice::PipelineStatus& status) {
  out.gauge("postoffice_queue_writable", "1 if a callback can be made durable.",
            status.queue_statistics.writable ? 1 : 0);
  out.gauge("postoffice_queue_bytes", "Storage held by the queue.",
            number(status.queue_statistics.bytes));
  out.gauge("postoffice_queue_callbacks", "Callbacks kept until all of their ids have ended.",
            number(status.queue.last_durable - status.queue.acknowledged));
  out.counter("postoffice_carried_ids_total",
              "Ids requeued: appended again with their old receipt time.", number(status.carried));
}

void write_journal(MetricsText& out, const postoffice::FileQueue& queue) {
  const auto flushes = queue.flushes();
  out.counter("postoffice_journal_flushes_total", "Flushes to stable storage.",
              number(flushes.flushes));
  out.counter("postoffice_journal_flushed_bytes_total", "Bytes flushed to stable storage.",
              number(flushes.flushed_bytes));
  out.counter("postoffice_journal_flush_failures_total", "Flushes that failed.",
              number(flushes.failures));
  out.counter("postoffice_journal_lost_records_total",
              "Callbacks lost to damage of the queue's files, found at the start or later.",
              number(queue.lost_records()));
  out.gauge("postoffice_journal_last_flush_seconds", "Duration of the newest flush.",
            std::chrono::duration<double>(flushes.last_flush).count());
  out.gauge("postoffice_journal_flush_overdue_seconds",
            "How long the oldest callback has been waiting for its flush; 0 while none is overdue.",
            std::chrono::duration<double>(flushes.overdue).count());
  out.gauge("postoffice_journal_at_risk_callbacks",
            "Unfinished callbacks whose files were removed by another program.",
            number(queue.at_risk()));
  using Reserve = postoffice::FileQueue::Reserve;
  const auto reserve = queue.reserve();
  out.gauge("postoffice_journal_reserve",
            "1 if room is reserved for a full disk; 0 if not, or if this is unknown.",
            reserve == Reserve::kept || reserve == Reserve::first_write ? 1 : 0);
}

void write_ingress(MetricsText& out, const postoffice::HttpIngressStatus& ingress) {
  out.gauge("postoffice_ingress_connections", "Open connections of senders.",
            number(ingress.connections));
  constexpr auto requests = "postoffice_ingress_requests_total";
  out.family(requests, "counter", "Requests of senders by result.");
  out.sample(requests, "result", "accepted", number(ingress.accepted));
  out.sample(requests, "result", "malformed", number(ingress.malformed));
  out.sample(requests, "result", "refused", number(ingress.refused));
}

void write_log(MetricsText& out, const postoffice::LogStatus& log) {
  out.counter("postoffice_log_lines_dropped_total", "Log lines dropped because nobody read stderr.",
              number(log.dropped));
  out.gauge("postoffice_log_lines_waiting", "Log lines that stderr has not taken yet.",
            number(log.waiting));
}

void write_process(MetricsText& out) {
  const auto process = read_process_status();
  out.family("postoffice_build_info", "gauge", "1, labelled with the version.");
  out.sample("postoffice_build_info", "version", postoffice::version(), 1);
  out.gauge("process_resident_memory_bytes", "Memory in use.", number(process.resident_bytes));
  out.counter("process_cpu_seconds_total", "Processor time used.", process.processor_seconds);
  out.gauge("process_open_fds", "Open files and sockets.", number(process.open_files));
  out.gauge("process_max_fds", "Files and sockets that may be open.",
            number(process.open_files_max));
  out.gauge("process_start_time_seconds", "When the process began, since the epoch.",
            process.start_seconds);
}

}  // namespace

void show_metrics(const Shown& shown, const Request&, const Respond& respond) {
  const auto status = shown.status();
  MetricsText out;
  // Without a source all ids are passed on, and other processes count how they end.
  if (shown.source) {
    write_ids(out, status);
    const auto source = shown.source->status();
    write_fetches(out, status, source);
    write_answers(out, source);
    write_store(out, shown, status);
    const auto instance = shown.instance ? shown.instance() : std::nullopt;
    if (instance) write_instance(out, status, *instance);
  } else {
    write_accepted(out, status);
  }
  write_store_up(out, store_is_up(shown, status));
  write_queue(out, status);
  if (shown.journal) write_journal(out, *shown.journal);
  if (shown.ingress) write_ingress(out, shown.ingress->status());
  if (shown.broker) write_broker(out, shown.broker());
  out.gauge("postoffice_snapshot_age_seconds",
            "Age of the pipeline's figures; above about a second: the pipeline is stuck.",
            age_seconds(shown, status));
  write_parts(out, find_parts(shown, status));
  write_log(out, postoffice::status_of(shown.log));
  write_process(out);
  respond({200, "text/plain; version=0.0.4; charset=utf-8", out.text(), {}});
}

}  // namespace postofficed
