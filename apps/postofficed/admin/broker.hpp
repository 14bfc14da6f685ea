// What a process knows of its broker, for the pages.
#pragma once

#include <cstdint>
#include <optional>

#include "admin/metrics_text.hpp"
#include "postoffice/defaults/cluster_publisher.hpp"
#include "postoffice/defaults/cluster_worker.hpp"
#include "support/json.hpp"

namespace postofficed {

struct BrokerStatus {
  /// Holds refused and dropped messages until an operator deals with them.
  struct DeadQueue {
    std::optional<std::uint64_t> messages;  ///< nothing: not known yet
    bool grows = false;                     ///< some came within the last ten minutes
  };

  std::optional<postoffice::ClusterPublisherStatus> publisher;
  std::optional<postoffice::ClusterWorkerStatus> worker;

  /// As this process saw it last.
  DeadQueue dead_queue() const;
};

void write_broker(Json& json, const BrokerStatus& broker);
void write_broker(MetricsText& out, const BrokerStatus& broker);

}  // namespace postofficed
