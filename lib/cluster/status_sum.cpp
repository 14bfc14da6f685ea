#include "cluster/status_sum.hpp"

#include <algorithm>
#include <initializer_list>

namespace postoffice::cluster {
namespace {

using Field = std::uint64_t PipelineStatus::*;

void add_fields(PipelineStatus& sum, const PipelineStatus& one,
                std::initializer_list<Field> fields) {
  for (const auto field : fields) sum.*field += one.*field;
}

// The counters that only grow.
void add_counts(PipelineStatus& sum, const PipelineStatus& one) {
  add_fields(sum, one,
             {&PipelineStatus::accepted_callbacks, &PipelineStatus::accepted_ids,
              &PipelineStatus::stored, &PipelineStatus::merged, &PipelineStatus::not_found,
              &PipelineStatus::expired, &PipelineStatus::dead, &PipelineStatus::fetches,
              &PipelineStatus::fetch_failures, &PipelineStatus::touches, &PipelineStatus::deleted,
              &PipelineStatus::carried, &PipelineStatus::store_failures});
  sum.fetch_retries.timeout += one.fetch_retries.timeout;
  sum.fetch_retries.unreachable += one.fetch_retries.unreachable;
  sum.fetch_retries.refused += one.fetch_retries.refused;
  sum.fetch_durations.answered += one.fetch_durations.answered;
  sum.fetch_durations.not_found += one.fetch_durations.not_found;
  sum.fetch_durations.timeout += one.fetch_durations.timeout;
  sum.fetch_durations.unreachable += one.fetch_durations.unreachable;
  sum.fetch_durations.refused += one.fetch_durations.refused;
  sum.store_transactions += one.store_transactions;
  sum.receipt_to_row += one.receipt_to_row;
  sum.queue.last_durable += one.queue.last_durable;
  sum.queue.acknowledged += one.queue.acknowledged;
}

}  // namespace

PipelineStatus counts_of(const PipelineStatus& one) {
  auto counts = nothing_done(Timestamp::max());
  add_counts(counts, one);
  counts.accepted_ids -= one.pending;
  return counts;
}

PipelineStatus nothing_done(Timestamp now) {
  PipelineStatus status;
  status.now = status.watermark = status.oldest_pending = status.queue.frontier = now;
  status.behind_since = status.oldest_in_queue_only = now;
  status.oldest_waiting = {now, now, now, now};
  status.queue_statistics.writable = true;
  return status;
}

void add(PipelineStatus& sum, const PipelineStatus& one) {
  add_counts(sum, one);
  add_fields(sum, one,
             {&PipelineStatus::pending, &PipelineStatus::fetches_in_flight,
              &PipelineStatus::fetch_limit, &PipelineStatus::known_ids,
              &PipelineStatus::touches_waiting, &PipelineStatus::answers_waiting,
              &PipelineStatus::retries_waiting, &PipelineStatus::stuck_rows,
              &PipelineStatus::stuck_deletes, &PipelineStatus::ids_in_queue_only});
  sum.stuck.insert(sum.stuck.end(), one.stuck.begin(), one.stuck.end());
  sum.stuck_since = std::min(sum.stuck_since, one.stuck_since);
  sum.source_open = sum.source_open || one.source_open;
  sum.fetch_news = together(sum.fetch_news, one.fetch_news);
  if (one.newest_dead.failed_at > sum.newest_dead.failed_at) sum.newest_dead = one.newest_dead;
  sum.store_up = sum.store_up && one.store_up;
  sum.watermark = std::min(sum.watermark, one.watermark);
  sum.oldest_pending = std::min(sum.oldest_pending, one.oldest_pending);
  sum.oldest_waiting.fetch = std::min(sum.oldest_waiting.fetch, one.oldest_waiting.fetch);
  sum.oldest_waiting.backoff = std::min(sum.oldest_waiting.backoff, one.oldest_waiting.backoff);
  sum.oldest_waiting.store = std::min(sum.oldest_waiting.store, one.oldest_waiting.store);
  sum.oldest_waiting.touch = std::min(sum.oldest_waiting.touch, one.oldest_waiting.touch);
  sum.behind_since = std::min(sum.behind_since, one.behind_since);
  sum.oldest_in_queue_only = std::min(sum.oldest_in_queue_only, one.oldest_in_queue_only);
  sum.queue.frontier = std::min(sum.queue.frontier, one.queue.frontier);
  sum.queue_statistics.bytes += one.queue_statistics.bytes;
  sum.queue_statistics.writable &= one.queue_statistics.writable;
}

void add(PostgresInstanceStatus& both, const PostgresInstanceStatus& one) {
  both.registered = both.registered && one.registered;
  both.watermark = std::max(both.watermark, one.watermark);
  if (!both.fenced && one.fenced) {
    both.fenced = true;
    both.successor = one.successor;
  }
  if (both.silent_instances < one.silent_instances) {
    both.silent_instances = one.silent_instances;
    both.silent = one.silent;
  }
}

}  // namespace postoffice::cluster
