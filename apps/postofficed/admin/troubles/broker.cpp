// A broker that does not take or deliver messages, or loses them.
#include <map>
#include <string>

#include "admin/troubles.hpp"

namespace postofficed {
namespace {

constexpr const char* about_connection =
    "check that the broker runs (rabbitmq-diagnostics status), that --queue names it, and that its "
    "user has the rights; it is tried again by itself";

void find(const postoffice::ClusterPublisherStatus& publisher, Troubles& troubles) {
  if (!publisher.copied.empty()) {
    troubles.push_back(
        {"queue", publisher.copied,
         "one data directory is a copy of the other: stop one of the two permanently"});
  }
  if (publisher.broker.refusing) {
    troubles.push_back({"broker",
                        "refuses messages (nack): a queue has reached its limit; callbacks get 503",
                        "let workers empty the queues, or raise max-length"});
  } else if (!publisher.broker.connected) {
    troubles.push_back(
        {"broker", "accepts nothing: " + publisher.broker.trouble, about_connection});
  }
  if (publisher.broker.blocked) {
    troubles.push_back({"broker", "is out of memory or disk; callbacks get 503",
                        "free memory or disk at the broker (rabbitmq-diagnostics "
                        "check_local_alarms, memory_breakdown); "
                        "it recovers by itself once its alarm is over"});
  }
  if (publisher.broker.losing) {
    troubles.push_back(
        {"broker",
         std::to_string(publisher.broker.lost) +
             " messages that it had confirmed vanished from queues that nobody consumes",
         "check policies on these queues (max-length, message-ttl, expires), programs that purge "
         "or "
         "read them, and the dead queue",
         PartState::degraded});
  }
  if (!publisher.registered) {
    troubles.push_back({"store", "does not know this publisher yet; callbacks are accepted",
                        "it recovers by itself once the database can be used; check that --store "
                        "names it, and that it runs",
                        PartState::degraded});
  }
}

Trouble missing(const postoffice::ClusterShardStatus& shard) {
  return {"broker",
          "shard " + std::to_string(shard.shard) + ": " + std::to_string(shard.queue.missing) +
              " messages that it had confirmed never arrived; the first was noticed " +
              std::to_string(shard.queue.missing_for->count()) +
              " s ago; their callbacks are lost: a policy (max-length, message-ttl, expires) drops "
              "them, or another program purges, deletes or reads the queue",
          "run rabbitmqctl list_policies, and look into the dead queue", PartState::degraded};
}

/// One line for all shards with the same trouble.
void find(const postoffice::ClusterWorkerStatus& worker, Troubles& troubles) {
  std::map<std::string, std::string> away;
  for (const auto& shard : worker.shards) {
    if (!shard.queue.rejected_last.empty()) {
      troubles.push_back({"broker",
                          "shard " + std::to_string(shard.shard) + ": " + shard.queue.rejected_last,
                          "another program writes to these queues", PartState::degraded});
    }
    if (shard.queue.missing_for) troubles.push_back(missing(shard));
    if (shard.queue.connected) continue;
    auto& shards = away[shard.queue.trouble];
    shards += (shards.empty() ? "" : ", ") + std::to_string(shard.shard);
  }
  for (const auto& [trouble, shards] : away) {
    troubles.push_back(
        {"broker", "delivers nothing from shard " + shards + ": " + trouble, about_connection});
  }
}

}  // namespace

void find_broker_troubles(const Shown& shown, const postoffice::PipelineStatus&,
                          Troubles& troubles) {
  if (!shown.broker) return;
  const auto broker = shown.broker();
  if (broker.publisher) find(*broker.publisher, troubles);
  if (broker.worker) find(*broker.worker, troubles);
  const auto dead = broker.dead_queue();
  if (!dead.grows) return;
  troubles.push_back(
      {"broker",
       "its dead queue grows: " + std::to_string(dead.messages.value_or(0)) + " messages are in it",
       "see their x-death header: rejected, or dropped by a policy", PartState::degraded});
}

}  // namespace postofficed
