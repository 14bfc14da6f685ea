#include "admin/broker.hpp"

#include <algorithm>

namespace postofficed {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void write(Json& json, const BrokerStatus::Publisher& publisher) {
  json.key("publisher")
      .begin_object()
      .member("id", publisher.id)
      .member("registered", publisher.registered)
      .member("connected", publisher.connected)
      .member("blocked", publisher.blocked)
      .member("refusing", publisher.refusing)
      .member("trouble", publisher.trouble)
      .member("lost_messages", publisher.lost)
      .member("unconfirmed", publisher.unconfirmed)
      .member("accepted_callbacks", publisher.accepted_callbacks)
      .member("accepted_ids", publisher.accepted_ids)
      .member("refused", publisher.refused)
      .member("overdue", publisher.overdue)
      .member("returned", publisher.returned)
      .member("nacked", publisher.nacked)
      .member("broken", publisher.broken)
      .member("connects", publisher.connects);
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

void write(Json& json, const BrokerStatus::Worker& worker) {
  json.key("worker")
      .begin_object()
      .member("name", worker.name)
      .member("workers", worker.workers)
      .key("shards")
      .begin_array();
  for (const auto& shard : worker.shards) {
    json.begin_object()
        .member("shard", shard.shard)
        .member("connected", shard.connected)
        .member("serving", shard.serving)
        .member("trouble", shard.trouble)
        .member("unacknowledged", shard.unacknowledged)
        .member("rejected", shard.rejected)
        .member("missing_messages", shard.missing)
        .member("watermark", shard.watermark)
        .member("pending_ids", shard.pending)
        .end_object();
  }
  json.end_array().end_object();
}

void write(MetricsText& out, const BrokerStatus::Publisher& publisher) {
  out.gauge("postoffice_broker_connected", "1 if the broker confirms what is published.",
            publisher.connected ? 1 : 0);
  out.gauge("postoffice_broker_blocked", "1 while the broker has no memory or disk left.",
            publisher.blocked ? 1 : 0);
  out.gauge("postoffice_broker_refusing",
            "1 while the broker refuses what is published: a queue has reached its limit.",
            publisher.refusing ? 1 : 0);
  out.counter("postoffice_lost_messages_total",
              "Messages that were confirmed and then vanished from queues that nobody consumes.",
              number(publisher.lost));
  out.gauge("postoffice_publisher_registered", "1 if the database knows this publisher.",
            publisher.registered ? 1 : 0);
  out.gauge("postoffice_publisher_unconfirmed",
            "Callbacks sent to the broker and not confirmed yet.", number(publisher.unconfirmed));
  out.counter("postoffice_broker_connects_total", "Connections made to the broker.",
              number(publisher.connects));
  constexpr auto callbacks = "postoffice_published_callbacks_total";
  out.family(callbacks, "counter", "Callbacks published, by result.");
  out.sample(callbacks, "result", "accepted", number(publisher.accepted_callbacks));
  out.sample(callbacks, "result", "forwarded", number(publisher.forwarded));
  out.sample(callbacks, "result", "refused", number(publisher.refused));
  out.sample(callbacks, "result", "overdue", number(publisher.overdue));
  out.sample(callbacks, "result", "returned", number(publisher.returned));
  out.sample(callbacks, "result", "nacked", number(publisher.nacked));
  out.sample(callbacks, "result", "broken", number(publisher.broken));
  if (!publisher.forwarder) return;
  out.gauge("postoffice_forwarder_waiting", "Callbacks read from the disk and not confirmed yet.",
            number(publisher.forwarder->waiting));
  out.counter("postoffice_forwarder_failures_total", "Attempts to forward that were not confirmed.",
              number(publisher.forwarder->failures));
}

void write(MetricsText& out, const BrokerStatus::Worker& worker) {
  std::uint64_t serving = 0, away = 0, unacknowledged = 0, redelivered = 0, rejected = 0;
  for (const auto& shard : worker.shards) {
    serving += shard.serving ? 1 : 0;
    away += shard.connected ? 0 : 1;
    unacknowledged += shard.unacknowledged;
    redelivered += shard.redelivered;
    rejected += shard.rejected;
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
  const auto add = [&](const DeadQueue& seen) {
    if (seen.messages) result.messages = std::max(result.messages.value_or(0), *seen.messages);
    result.grows = result.grows || seen.grows;
  };
  if (publisher) add(publisher->dead_queue);
  if (worker) {
    for (const auto& shard : worker->shards) add(shard.dead_queue);
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
