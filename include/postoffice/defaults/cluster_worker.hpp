// A member of a cluster that takes callbacks out of the shards, fetches and stores. Component
// postoffice::rabbitmq.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/options.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

struct ClusterWorkerOptions {
  RabbitOptions broker;                 ///< `publisher` and `publishes` are not used
  PostgresObjectStoreOptions database;  ///< the cluster's; `instance` is not used

  /// Of each shard: a worker may come to have all of them. Only fetch_concurrency is shared among
  /// those that it has. Without a `beat` 250 ms are taken.
  PipelineOptions pipeline{};

  /// Among the workers of this database: no two may have the same. Empty: "host:pid".
  std::string name{};
};

struct ClusterShardStatus {
  int shard = 0;
  bool serving = false;  ///< false: another worker still has it, or the broker is away
  RabbitQueueStatus queue;
  Timestamp watermark{};      ///< of the pipeline, once there is one
  std::uint64_t pending = 0;  ///< ids
};

struct ClusterWorkerStatus {
  std::string name;
  std::size_t workers = 0;    ///< that live, this one included
  std::uint64_t missing = 0;  ///< as RabbitQueueStatus, with the shards that it had
  std::vector<ClusterShardStatus> shards;
};

/// One queue, store and pipeline for each shard that is its own. Workers share out the shards by
/// way of the database: each says once a second that it lives, and takes what is its part among
/// those that do. While the database does not answer everybody keeps what he has; the broker sees
/// to it that each shard is served to one worker only.
///
/// Errors: whatever is down at start() or later is waited for, for ever; changes of state are
/// logged.
/// Durability: a callback leaves its shard when everything it asked for is in the database.
/// Ownership: loop, clock and source are the caller's and must outlive the worker. `clock` must run
/// its tasks on `loop` (SystemClock does).
/// Threads: start(), stop(), use_credentials() and what tells a status from any thread, but not
/// from within the source's fetch().
///
/// Lifetime, as Pipeline's: stopped, then destroyed; or destroyed without a stop, which is like a
/// crash: other workers go on where this one was. The destructor may run on any thread, whether the
/// loop runs or not, and inside what stop() is done with. It waits for calls under way and closes
/// the connections, which may take some seconds where the network does not answer.
class ClusterWorker {
 public:
  struct Parts {
    EventLoop& loop;
    Clock& clock;
    ObjectSource& source;
  };

  /// Throws std::invalid_argument for options that cannot work. Connects to nothing.
  ClusterWorker(Parts parts, ClusterWorkerOptions options, Log log = {});
  ~ClusterWorker();
  ClusterWorker(const ClusterWorker&) = delete;
  ClusterWorker& operator=(const ClusterWorker&) = delete;

  /// Once; after a stop() it does nothing.
  void start();

  /// Takes no shard any more, drains those it has as Pipeline::stop(), gives them back. `done`
  /// comes once, on the clock's thread, and may destroy the worker. May be called again, while it
  /// stops or afterwards: each `done` comes, unless the worker is destroyed before.
  void stop(std::function<void()> done);

  /// As PostgresObjectStore::use_credentials(), for all sessions.
  bool use_credentials(const std::string& conninfo);

  /// A few times a second there is a new one.
  ClusterWorkerStatus status() const;

  /// Of all shards together: sums, the watermark of the one that is furthest behind. Ids that had
  /// not ended in a shard that another worker has now are counted there.
  PipelineStatus pipeline_status() const;

  /// Of all shards that are served here; nothing if there is none.
  std::optional<PostgresInstanceStatus> instance_status() const;

  /// Why a shard of ours does not reach the broker, for people; empty: all do.
  std::string not_ready() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
