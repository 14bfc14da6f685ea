#include "admin/broker.hpp"

#include <algorithm>

namespace postofficed {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void write(Json& json, const postoffice::ClusterPublisherStatus& publisher) {
  json.key("publisher")
      .begin_object()
      .member("id", publisher.id)
      .member("registered", publisher.registered)
      .member("connected", publisher.broker.connected)
      .member("blocked", publisher.broker.blocked)
      .member("refusing", publisher.broker.refusing)
      .member("trouble", publisher.broker.trouble)
      .member("lost_messages", publisher.broker.lost)
      .member("unconfirmed", publisher.broker.unconfirmed)
      .member("accepted_callbacks", publisher.broker.accepted_callbacks)
      .member("accepted_ids", publisher.broker.accepted_ids)
      .member("refused", publisher.broker.refused)
      .member("overdue", publisher.broker.overdue)
      .member("returned", publisher.broker.returned)
      .member("nacked", publisher.broker.nacked)
      .member("broken", publisher.broker.broken)
      .member("connects", publisher.broker.connects);
  if (publisher.forwarder) {
    json.key("forwarder")
        .begin_object()
        .member("forwarded", publisher.forwarder->forwarded)
        .member("failures", publisher.forwarder->failures)
        .member("waiting", publisher.forwarder->waiting)
        .member("well", publisher.forwarder->well)
        .end_object();
  }
  json.end_object();
}

void write(Json& json, const postoffice::ClusterWorkerStatus& worker) {
  json.key("worker")
      .begin_object()
      .member("name", worker.name)
      .member("workers", worker.workers)
      .key("shards")
      .begin_array();
  for (const auto& shard : worker.shards) {
    json.begin_object()
        .member("shard", shard.shard)
        .member("connected", shard.queue.connected)
        .member("serving", shard.serving)
        .member("trouble", shard.queue.trouble)
        .member("unacknowledged", shard.queue.unacknowledged)
        .member("rejected", shard.queue.rejected)
        .member("missing_messages", shard.queue.missing)
        .member("watermark", shard.watermark)
        .member("pending_ids", shard.pending)
        .end_object();
  }
  json.end_array().end_object();
}

void write(MetricsText& out, const postoffice::ClusterPublisherStatus& publisher) {
  out.gauge("postoffice_broker_connected", "1 if the broker confirms what is published.",
            publisher.broker.connected ? 1 : 0);
  out.gauge("postoffice_broker_blocked", "1 while the broker has no memory or disk left.",
            publisher.broker.blocked ? 1 : 0);
  out.gauge("postoffice_broker_refusing",
            "1 while the broker refuses what is published: a queue has reached its limit.",
            publisher.broker.refusing ? 1 : 0);
  out.counter("postoffice_lost_messages_total",
              "Messages that were confirmed and then vanished from queues that nobody consumes.",
              number(publisher.broker.lost));
  out.gauge("postoffice_publisher_registered", "1 if the database knows this publisher.",
            publisher.registered ? 1 : 0);
  out.gauge("postoffice_publisher_unconfirmed",
            "Callbacks sent to the broker and not confirmed yet.",
            number(publisher.broker.unconfirmed));
  out.counter("postoffice_broker_connects_total", "Connections made to the broker.",
              number(publisher.broker.connects));
  constexpr auto callbacks = "postoffice_published_callbacks_total";
  out.family(callbacks, "counter", "Callbacks published, by result.");
  out.sample(callbacks, "result", "accepted", number(publisher.broker.accepted_callbacks));
  out.sample(callbacks, "result", "forwarded", number(publisher.broker.forwarded));
  out.sample(callbacks, "result", "refused", number(publisher.broker.refused));
  out.sample(callbacks, "result", "overdue", number(publisher.broker.overdue));
  out.sample(callbacks, "result", "returned", number(publisher.broker.returned));
  out.sample(callbacks, "result", "nacked", number(publisher.broker.nacked));
  out.sample(callbacks, "result", "broken", number(publisher.broker.broken));
  if (!publisher.forwarder) return;
  out.gauge("postoffice_forwarder_waiting", "Callbacks read from the disk and not confirmed yet.",
            number(publisher.forwarder->waiting));
  out.counter("postoffice_forwarder_failures_total", "Attempts to forward that were not confirmed.",
              number(publisher.forwarder->failures));
}

void write(MetricsText& out, const postoffice::ClusterWorkerStatus& worker) {
  std::uint64_t serving = 0, away = 0, unacknowledged = 0, redelivered = 0, rejected = 0;
  for (const auto& shard : worker.shards) {
    serving += shard.serving ? 1 : 0;
    away += shard.queue.connected ? 0 : 1;
    unacknowledged += shard.queue.unacknowledged;
    redelivered += shard.queue.redelivered;
    rejected += shard.queue.rejected;
  }
  out.gauge("postoffice_workers", "Live workers, including this one.", number(worker.workers));
  constexpr auto shards = "postoffice_shards";
  out.family(shards, "gauge", "Shards of this worker, by state.");
  out.sample(shards, "state", "serving", number(serving));
  out.sample(shards, "state", "waiting", number(worker.shards.size() - serving - away));
  out.sample(shards, "state", "away", number(away));
  out.gauge("postoffice_worker_unacknowledged", "Messages not acknowledged to the broker.",
            number(unacknowledged));
  out.gauge("postoffice_worker_redelivered",
            "Messages of the current shards that were delivered again.", number(redelivered));
  out.counter("postoffice_missing_messages_total",
              "Messages with callbacks that were confirmed to their publishers and never arrived.",
              number(worker.missing));
  out.gauge("postoffice_worker_rejected",
            "Malformed messages of the current shards; they are in the dead queue.",
            number(rejected));
}

}  // namespace

BrokerStatus::DeadQueue BrokerStatus::dead_queue() const {
  DeadQueue result;
  const auto add = [&](const auto& seen) {
    if (seen.dead) result.messages = std::max(result.messages.value_or(0), *seen.dead);
    result.grows = result.grows || seen.dead_grows;
  };
  if (publisher) add(publisher->broker);
  if (worker) {
    for (const auto& shard : worker->shards) add(shard.queue);
  }
  return result;
}

void write_broker(Json& json, const BrokerStatus& broker) {
  json.key("broker").begin_object();
  if (broker.publisher) write(json, *broker.publisher);
  if (broker.worker) write(json, *broker.worker);
  json.end_object();
}

void write_broker(MetricsText& out, const BrokerStatus& broker) {
  if (const auto dead = broker.dead_queue(); dead.messages) {
    out.gauge("postoffice_dead_queue_messages",
              "Messages in the dead queue: refused or dropped ones, which nobody consumes.",
              number(*dead.messages));
  }
  if (broker.publisher) write(out, *broker.publisher);
  if (broker.worker) write(out, *broker.worker);
}

}  // namespace postofficed
