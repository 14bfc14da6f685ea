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

  /// For each shard; a worker may have to serve all of them. Only fetch_concurrency is divided
  /// among the shards that it serves. Without a `beat`, 250 ms are used.
  PipelineOptions pipeline{};

  /// Unique among the workers of this database. Empty: "host:pid".
  std::string name{};
};

struct ClusterShardStatus {
  int shard = 0;
  bool serving = false;  ///< false: another worker still has it, or the broker cannot be reached
  RabbitQueueStatus queue;
  Timestamp watermark{};      ///< of the shard's pipeline, once there is one
  std::uint64_t pending = 0;  ///< ids
};

struct ClusterWorkerStatus {
  std::string name;
  std::size_t workers = 0;    ///< that are alive, this one included
  std::uint64_t missing = 0;  ///< as in RabbitQueueStatus, shards that it had before included
  std::vector<ClusterShardStatus> shards;
};

/// Runs one queue, store and pipeline for each shard assigned to it. Workers divide the shards
/// through the database: each renews its lease once a second and takes its part among the workers
/// that are alive. While the database does not answer, each worker keeps its shards; the broker
/// ensures that each shard is served to one worker only.
///
/// Errors: the worker waits without limit for anything that is down, at start() or later, and logs
/// changes of state.
/// Durability: a callback leaves its shard when everything it asked for is in the database.
/// Ownership: loop, clock and source are the caller's and must outlive the worker. `clock` must run
/// its tasks on `loop` (SystemClock does).
/// Threads: all methods may be called from any thread, but not from within the source's fetch().
///
/// Lifetime, as Pipeline's: stopped, then destroyed; or destroyed without a stop, which is like a
/// crash: other workers take over from where this one was. The destructor may run on any thread,
/// whether the loop runs or not, and inside the `done` of stop(). It waits for calls under way and
/// closes the connections, which may take some seconds if the network does not answer.
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

  /// Call it once; after a stop() it does nothing.
  void start();

  /// Takes no more shards, drains those it has as Pipeline::stop() does, and gives them back.
  /// `done` is called once, on the clock's thread, and may destroy the worker. stop() may be called
  /// again, during the stop or afterwards: each `done` is called, unless the worker is destroyed
  /// before.
  void stop(std::function<void()> done);

  /// As Pipeline::change() and Pipeline::set_fetch_concurrency(), for all shards: fetch_concurrency
  /// is used, too.
  void change(const PipelineOptions& options);

  /// As PostgresObjectStore::use_credentials(), for all sessions.
  bool use_credentials(const std::string& conninfo);

  /// Renewed a few times a second.
  ClusterWorkerStatus status() const;

  /// Of all shards together: sums, and the watermark of the shard that is furthest behind. Ids that
  /// had not ended when their shard went to another worker are counted by that worker.
  PipelineStatus pipeline_status() const;

  /// Of all shards that this worker serves; nothing if it serves none.
  std::optional<PostgresInstanceStatus> instance_status() const;

  /// Why one of this worker's shards does not reach the broker, for people; empty: all reach it.
  std::string not_ready() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
