// One of the broker's shards, as served by this worker.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/cluster_worker.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/pipeline.hpp"

namespace postoffice::cluster {

/// What all shards of a worker share.
struct ClusterShardParts {
  const ClusterWorkerOptions& options;  ///< with the current conninfo
  EventLoop& loop;
  Clock& clock;
  ObjectSource& source;
  PostgresInstances& instances;
  Log log;
};

/// Begins to write only when the broker serves it: until then another worker may still have the
/// shard, and must not be fenced.
///
/// Threads: all methods on the loop's thread. The destructor may run on any thread, once no method
/// is called any more and `instances` has been destroyed.
class ClusterShard {
 public:
  ClusterShard(const ClusterShardParts& parts, int number);
  ~ClusterShard();
  ClusterShard(const ClusterShard&) = delete;
  ClusterShard& operator=(const ClusterShard&) = delete;

  /// To be called a few times a second: notices when the broker serves this worker, and which
  /// publishers said goodbye.
  void look();

  void set_fetch_concurrency(std::size_t fetches);

  /// As Pipeline::change(): the options of the parts have changed.
  void options_changed();

  /// Takes another conninfo for the same database.
  void use_credentials(const std::string& conninfo);

  /// Drains. `done` is called once, on any thread.
  void stop(std::function<void()> done);

  /// Empty until the shard is served.
  std::optional<PipelineStatus> pipeline_status() const;
  ClusterShardStatus status() const;
  std::optional<PostgresInstanceStatus> instance_status() const;

  /// The queue, whose closing may wait for the network: it may be destroyed on any thread, after
  /// this object.
  std::unique_ptr<RabbitQueue> release();

 private:
  // Callbacks come from the queue.
  struct NoIngress final : Ingress {
    std::error_code start(Accept) override { return {}; }
    void stop(StopDone done) override { done(); }
  };

  void begin();
  void part_with_departed();
  void look_at_session();
  void ask_who_was_between();

  const ClusterShardParts& parts_;
  const int number_;
  std::size_t fetches_ = 1;
  bool stopping_ = false;
  std::uint64_t session_ = 0;     // the queue's session that was seen last …
  std::int64_t epoch_ = 0;        // … and our epoch in the database before it began
  bool between_is_known_ = true;  // whether another worker had the shard before this session
  bool asking_ = false;
  std::set<std::uint64_t>
      parting_;  // departed publishers whose removal from the database is under way
  std::shared_ptr<ClusterShard*> self_ =
      std::make_shared<ClusterShard*>(this);  // expires with this object
  NoIngress ingress_;
  std::unique_ptr<RabbitQueue> queue_;
  std::unique_ptr<PostgresObjectStore> store_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace postoffice::cluster
