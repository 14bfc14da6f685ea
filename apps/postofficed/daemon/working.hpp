// What consumes shards, fetches and stores: all of worker, half of run with a broker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "admin/broker.hpp"
#include "daemon/closing_threads.hpp"
#include "daemon/neighbours.hpp"
#include "daemon/shard.hpp"
#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/log.hpp"
#include "postoffice/pipeline.hpp"

namespace postofficed {

/// Shares out the shards with all other workers by way of the database: everybody says once a
/// second that he lives, and takes what is his among those who do. While the database does not
/// answer everybody keeps what he has; that each shard is served to one worker only is the broker's
/// care.
///
/// Threads: everything happens on the loop's thread; start() and the destructor when it does not
/// run; stop(), use_store(), status() and pipeline_status() from any.
class Working {
 public:
  Working(const Options& options, postoffice::EventLoop& loop, postoffice::Clock& clock,
          std::size_t connections_max, postoffice::Log log);
  ~Working();

  void start();

  /// Drains all shards. `done` comes once.
  void stop(std::function<void()> done);

  /// Another conninfo for the same database. Any thread.
  void use_store(const std::string& conninfo);

  BrokerStatus::Worker status() const;

  /// Of all shards together. What was begun in a shard that another worker has now is not counted.
  postoffice::PipelineStatus pipeline_status() const;

  /// Of all shards that are served here; nothing if there is none.
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const;

  /// Every shard of ours reaches the broker.
  std::string not_ready() const;

  const postoffice::HttpObjectSource& source() const { return *source_; }

 private:
  using Shards = std::map<int, std::unique_ptr<Shard>>;

  void tick();
  void beat();
  void take(std::vector<int> mine);
  void give_back(int number);
  void gone(int number);
  void share_fetches();
  void publish();
  std::optional<postoffice::PostgresInstanceStatus> look_at_instances();
  void finish_stop();

  const Options& options_;
  postoffice::Clock& clock_;
  const postoffice::Log log_;
  const std::string name_;
  postoffice::PostgresInstances instances_;
  std::optional<postoffice::HttpObjectSource> source_;
  ShardParts parts_;

  Shards shards_;   // ours
  Shards leaving_;  // draining: another worker's, or we stop
  ClosingThreads closing_;
  postoffice::PipelineStatus past_;  // what shards that we had have counted
  std::uint64_t past_missing_ = 0;
  std::size_t workers_ = 1;
  int ticks_ = 0;
  bool beating_ = false;
  bool stopping_ = false;
  SilenceReport silence_;
  std::vector<std::function<void()>> stop_done_;

  mutable std::mutex mutex_;  // guards what others look at
  BrokerStatus::Worker shown_;
  postoffice::PipelineStatus shown_status_;
  std::optional<postoffice::PostgresInstanceStatus> shown_instance_;
};

/// Adds up what two pipelines have counted; marks are those of the one that is behind.
void add(postoffice::PipelineStatus& sum, const postoffice::PipelineStatus& one);

}  // namespace postofficed
