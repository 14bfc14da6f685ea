// What a process knows of the broker it works with, for the pages.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/metrics_text.hpp"
#include "postoffice/defaults/forwarder.hpp"
#include "postoffice/types.hpp"
#include "support/json.hpp"

namespace postofficed {

struct BrokerStatus {
  /// What was refused or dropped lies there, until somebody looks at it.
  struct DeadQueue {
    std::optional<std::uint64_t> messages;  ///< nothing: not known yet
    bool grows = false;                     ///< some came within ten minutes
  };

  /// Of a process that publishes.
  struct Publisher {
    std::string id;
    bool registered = false;  ///< the database knows it
    std::string copied;       ///< another process publishes as this one, in words; empty: none does
    bool connected = false;
    bool blocked = false;
    bool refusing = false;  ///< queues that have reached their limit
    bool losing = false;    ///< what was confirmed, within ten minutes
    std::uint64_t lost = 0;
    DeadQueue dead_queue;
    std::string trouble;
    std::uint64_t unconfirmed = 0;
    std::uint64_t accepted_callbacks = 0;
    std::uint64_t accepted_ids = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t refused = 0;
    std::uint64_t overdue = 0;
    std::uint64_t returned = 0;
    std::uint64_t nacked = 0;
    std::uint64_t broken = 0;
    std::uint64_t connects = 0;
    std::optional<postoffice::ForwarderStatus> forwarder;
  };

  struct Shard {
    int shard = 0;
    bool connected = false;
    bool serving = false;  ///< false: another worker still has it
    std::string trouble;
    std::uint64_t unacknowledged = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t rejected = 0;
    std::string rejected_last;  ///< for ten minutes
    std::uint64_t missing = 0;  ///< confirmed to their publishers, and never came
    std::optional<std::chrono::seconds> missing_for;  ///< if some were missed within ten minutes
    DeadQueue dead_queue;
    postoffice::Timestamp watermark{};
    std::uint64_t pending = 0;
  };

  /// Of a process that consumes.
  struct Worker {
    std::string name;
    std::uint64_t workers = 0;  ///< that live, this one included
    std::uint64_t missing = 0;  ///< in all shards, and in those that it had
    std::vector<Shard> shards;
  };

  std::optional<Publisher> publisher;
  std::optional<Worker> worker;

  /// As this process saw it last.
  DeadQueue dead_queue() const;
};

void write_broker(Json& json, const BrokerStatus& broker);
void write_broker(MetricsText& out, const BrokerStatus& broker);

}  // namespace postofficed
