// One shard of the broker's queues in the hands of this worker.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "admin/broker.hpp"
#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/pipeline.hpp"

namespace postofficed {

/// What a shard is made of, for all shards of a worker.
struct ShardParts {
  const Options& options;
  postoffice::EventLoop& loop;
  postoffice::Clock& clock;
  postoffice::ObjectSource& source;
  postoffice::PostgresInstances& instances;
  postoffice::Log log;
  std::string name;  ///< of the worker
};

/// Consumes as soon as the broker serves it, and only then writes: until that, another worker still
/// has the shard, and the database must not take it for superseded.
///
/// Threads: all methods on the loop's thread, or before it runs and after it has stopped.
class Shard {
 public:
  Shard(const ShardParts& parts, int number);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  int number() const { return number_; }

  /// To be called some times a second: notices that the broker serves us, and who said goodbye.
  void look();

  void set_fetch_concurrency(std::size_t fetches);

  /// Another conninfo for the same database.
  void use_store(const std::string& conninfo);

  /// Drains. `done` comes once, from any thread.
  void stop(std::function<void()> done);

  /// Empty until the shard is served.
  std::optional<postoffice::PipelineStatus> pipeline_status() const;
  BrokerStatus::Shard status() const;
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const;
  bool connected() const { return queue_->details().connected; }

  /// What is left to close, which may wait for the network: may go on any thread, after this.
  std::unique_ptr<postoffice::RabbitQueue> release();

 private:
  // Callbacks come from the queue.
  struct NoIngress final : postoffice::Ingress {
    std::error_code start(Accept) override { return {}; }
    void stop(StopDone done) override { done(); }
  };

  void begin();
  void part_with_departed();
  void look_at_session();
  void ask_who_was_between();

  const ShardParts& parts_;
  const int number_;
  std::size_t fetches_ = 1;
  bool stopping_ = false;
  std::uint64_t session_ = 0;     // of the queue, that was looked at last …
  std::int64_t epoch_ = 0;        // … and our epoch in the database before it began
  bool between_is_known_ = true;  // whether another worker had the shard before this session
  bool asking_ = false;
  std::set<std::uint64_t> parting_;  // publishers that the database is to forget
  std::shared_ptr<Shard*> self_ = std::make_shared<Shard*>(this);  // gone when we are
  NoIngress ingress_;
  std::unique_ptr<postoffice::RabbitQueue> queue_;
  std::unique_ptr<postoffice::PostgresObjectStore> store_;
  std::unique_ptr<postoffice::Pipeline> pipeline_;
};

}  // namespace postofficed
