// The parts beside the pipeline, and the process.
#include <chrono>
#include <string>

#include "admin/metrics_sections.hpp"
#include "admin/process.hpp"
#include "daemon/memory_limit.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

// What is not known, or unlimited, is left out.
void write_space(MetricsText& out, const postoffice::FileQueue::Space& space) {
  if (space.disk_free != space.unknown) {
    out.gauge("postoffice_disk_free_bytes",
              "Space on the disk of the queue that this process may still take.",
              number(space.disk_free));
  }
  if (space.limit != space.unknown) {
    out.gauge("postoffice_queue_limit_bytes", "Storage that the queue may hold at most at present.",
              number(space.limit));
  }
  out.gauge("postoffice_queue_growth_stopped",
            "1 while the queue may add no file, because of the disk or of its own limit.",
            space.growth_stopped ? 1 : 0);
  out.gauge("postoffice_queue_spare_taken",
            "1 while it may add no file and its spare one is in use: it is about to be full.",
            space.spare_taken ? 1 : 0);
}

}  // namespace

void write_store_up(MetricsText& out, bool up) {
  out.gauge(
      "postoffice_store_up",
      "1 if the store answers and its newest operation succeeded; checked without traffic, too.",
      up ? 1 : 0);
}

void write_counts(MetricsText& out, const StoreCounts& counts) {
  constexpr auto rows = "postoffice_rows";
  out.family(rows, "gauge", "Rows in the store, by state, as counted some seconds ago.");
  out.sample(rows, "state", "online", number(counts.online));
  out.sample(rows, "state", "offline", number(counts.offline));
  out.gauge("postoffice_dead_letters", "Dead letters in the store, as counted some seconds ago.",
            number(counts.dead_letters));
}

void write_queue(MetricsText& out, const Shown& shown, const postoffice::PipelineStatus& status) {
  out.gauge("postoffice_queue_writable", "1 if a callback can be made durable.",
            status.queue_statistics.writable ? 1 : 0);
  out.gauge("postoffice_queue_bytes", "Storage held by the queue, spare files included.",
            number(shown.journal ? shown.journal->space().held : status.queue_statistics.bytes));
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
  constexpr auto durations = "postoffice_journal_flush_duration_seconds";
  out.family(durations, "histogram", "Duration of flushes that succeeded, with the write before.");
  out.histogram(durations, {}, {}, queue.flush_durations());
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
  write_space(out, queue.space());
}

void write_ingress(MetricsText& out, const postoffice::HttpIngressStatus& ingress) {
  out.gauge("postoffice_ingress_connections", "Open connections of senders.",
            number(ingress.connections));
  out.gauge("postoffice_ingress_connections_max", "Connections of senders, at most.",
            number(ingress.connections_max));
  constexpr auto requests = "postoffice_ingress_requests_total";
  out.family(requests, "counter",
             "Requests of senders: accepted (202), malformed (400), refused (503), or other.");
  out.sample(requests, "result", "accepted", number(ingress.accepted));
  out.sample(requests, "result", "malformed", number(ingress.malformed));
  out.sample(requests, "result", "refused", number(ingress.refused));
  out.sample(requests, "result", "other", number(ingress.other));
  constexpr auto responses = "postoffice_ingress_responses_total";
  out.family(responses, "counter", "Responses to senders by HTTP status and reason.");
  for (const auto& [status, reason, count] : ingress.responses) {
    out.sample(responses, {{"status", std::to_string(status)}, {"reason", reason}}, number(count));
  }
  constexpr auto durations = "postoffice_ingress_duration_seconds";
  out.family(durations, "histogram",
             "From the last byte of a callback to its answer in the kernel, whatever the answer.");
  out.histogram(durations, {}, {}, ingress.durations);
}

void write_admin(MetricsText& out, const postoffice::HttpServerStatus& admin) {
  out.gauge("postoffice_admin_connections", "Open connections to the admin listener.",
            number(admin.connections));
  out.gauge("postoffice_admin_connections_max", "Connections to the admin listener, at most.",
            number(admin.connections_max));
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
  out.gauge("postoffice_memory_limit_bytes",
            "Memory of the machine or the control group; the daemon plans with half of it.",
            number(memory_limit()));
  out.gauge("process_virtual_memory_bytes", "Address space in use.", number(process.virtual_bytes));
  out.gauge("process_threads", "Threads.", number(process.threads));
  out.counter("process_cpu_seconds_total", "Processor time used.", process.processor_seconds);
  out.gauge("process_open_fds", "Open files and sockets.", number(process.open_files));
  out.gauge("process_max_fds", "Files and sockets that may be open.",
            number(process.open_files_max));
  out.gauge("process_start_time_seconds", "When the process began, since the epoch.",
            process.start_seconds);
}

}  // namespace postofficed
