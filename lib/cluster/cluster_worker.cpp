#include "postoffice/defaults/cluster_worker.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "cluster/closing_threads.hpp"
#include "cluster/cluster_shard.hpp"
#include "cluster/process_name.hpp"
#include "cluster/shard_assignment.hpp"
#include "cluster/status_sum.hpp"
#include "cluster/steps.hpp"
#include "postoffice/defaults/postgres_instances.hpp"

namespace postoffice {

using namespace cluster;

namespace {

using namespace std::chrono_literals;

constexpr auto tick_every = 100ms;
constexpr int ticks_of_beat = 10;

// How often the others learn a shard's watermark: a part of the one second that expiry may be late.
constexpr auto pipeline_beat = 250ms;

ClusterWorkerOptions checked(ClusterWorkerOptions options) {
  if (options.name.empty()) options.name = process_name();
  if (options.pipeline.beat == 0ms) options.pipeline.beat = pipeline_beat;
  options.broker.check();
  check(options.pipeline);
  return options;
}

std::string counted(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

PostgresInstancesOptions registry(const PostgresObjectStoreOptions& database) {
  return {.conninfo = database.conninfo,
          .migrate = database.migrate,
          .connect_timeout = database.connect_timeout,
          .statement_timeout = database.statement_timeout,
          .reconnect_max = database.reconnect_max};
}

}  // namespace

// Everything happens in steps, on the loop's thread. Other threads see a copy that the last step
// made.
class ClusterWorker::Impl {
 public:
  Impl(Parts parts, ClusterWorkerOptions options, Log log)
      : options_(checked(std::move(options))),
        clock_(parts.clock),
        log_(log ? std::move(log) : [](LogLevel, std::string_view) {}),
        instances_(std::in_place, parts.loop, registry(options_.database), log_),
        shard_parts_{options_, parts.loop, parts.clock, parts.source, *instances_, log_},
        steps_(parts.clock) {
    shown_.worker.name = options_.name;
  }

  // Completions of `instances` that belong to a shard may run until `instances` is destroyed, so
  // the shards go later.
  ~Impl() {
    steps_.close();
    instances_.reset();
  }

  void start() {
    steps_.soon([this] {
      if (!stopping_) tick();
    });
  }

  void stop(std::function<void()> done) {
    steps_.soon([this, done = std::move(done)] {
      stop_done_.push_back(done);
      stopping_ = true;
      while (!shards_.empty()) give_back(shards_.begin()->first);
      finish_stop();
    });
  }

  bool use_credentials(const std::string& conninfo) {
    if (!instances_->use_credentials(conninfo)) return false;
    steps_.soon([this, conninfo] {
      options_.database.conninfo = conninfo;
      for (const auto* shards : {&shards_, &leaving_}) {
        for (const auto& [number, shard] : *shards) shard->use_credentials(conninfo);
      }
    });
    return true;
  }

  void change(const PipelineOptions& options) {
    steps_.soon([this, options] {
      auto& own = options_.pipeline;
      own.ttl = options.ttl;
      own.keep = options.keep;
      own.fetch_timeout = options.fetch_timeout;
      own.drain_limit = options.drain_limit;
      own.fetch_concurrency = options.fetch_concurrency;
      for (const auto* shards : {&shards_, &leaving_}) {
        for (const auto& [number, shard] : *shards) shard->options_changed();
      }
      share_fetches();
    });
  }

  struct Shown {
    ClusterWorkerStatus worker;
    PipelineStatus pipeline;
    std::optional<PostgresInstanceStatus> instance;
  };

  template <typename Part>
  Part shown(Part Shown::*part) const {
    const std::lock_guard lock(mutex_);
    return shown_.*part;
  }

 private:
  using Shards = std::map<int, std::unique_ptr<ClusterShard>>;

  void tick() {
    if (!stopping_ && ticks_++ % ticks_of_beat == 0 && !beating_) beat();
    for (const auto& [number, shard] : shards_) shard->look();
    show();
    closing_.join_ended();
    steps_.at(clock_.now() + tick_every, [this] { tick(); });
  }

  void beat() {
    beating_ = true;
    const auto done = [this](std::error_code error, const std::vector<std::string>& live) {
      beating_ = false;
      if (error || stopping_) return;
      workers_ = std::max<std::size_t>(1, live.size());
      serve(shards_of(options_.name, live, options_.broker.shards));
    };
    instances_->beat_worker(options_.name, steps_.guarded(done));
  }

  /// Serves these shards, and no others.
  void serve(const std::vector<int>& mine) {
    std::vector<int> lost;
    for (const auto& [number, shard] : shards_) {
      if (!std::binary_search(mine.begin(), mine.end(), number)) lost.push_back(number);
    }
    for (const int number : lost) give_back(number);
    const auto before = shards_.size();
    for (const int number : mine) {
      // A shard that is still being given back is taken up at a later beat.
      if (shards_.contains(number) || leaving_.contains(number)) continue;
      shards_[number] = std::make_unique<ClusterShard>(shard_parts_, number);
    }
    if (lost.empty() && shards_.size() == before) return;
    share_fetches();
    log_(LogLevel::info, counted(workers_, "worker") + " live; " +
                             counted(shards_.size(), "shard") + " of " +
                             std::to_string(options_.broker.shards) + " assigned to this one");
  }

  void share_fetches() {
    std::size_t index = 0;
    for (const auto& [number, shard] : shards_) {
      shard->set_fetch_concurrency(
          share_of(options_.pipeline.fetch_concurrency, shards_.size(), index++));
    }
  }

  void give_back(int number) {
    auto& leaving = leaving_[number];
    leaving = std::move(shards_.extract(number).mapped());
    leaving->stop(steps_.guarded([this, number] {
      steps_.soon([this, number] { gone(number); });  // not from within the shard's own call
    }));
  }

  // Closing may wait for the network, and the loop must not.
  void gone(int number) {
    const auto shard = std::move(leaving_.extract(number).mapped());
    if (const auto status = shard->pipeline_status()) add(past_, counts_of(*status));
    past_missing_ += shard->status().queue.missing;
    closing_.run([queue = std::shared_ptr(shard->release())]() mutable { queue.reset(); });
    finish_stop();
  }

  // Calls each `done` outside of a step, since it may destroy the worker.
  void finish_stop() {
    if (!stopping_ || !leaving_.empty()) return;
    for (auto& done : std::exchange(stop_done_, {})) {
      clock_.call_at(Timestamp::min(), std::move(done));
    }
  }

  void show() {
    Shown now{{options_.name, workers_, past_missing_, {}}, nothing_done(clock_.now()), {}};
    add(now.pipeline, past_);
    for (const auto* shards : {&shards_, &leaving_}) {
      for (const auto& [number, shard] : *shards) {
        now.worker.shards.push_back(shard->status());
        now.worker.missing += now.worker.shards.back().queue.missing;
        if (const auto status = shard->pipeline_status()) add(now.pipeline, *status);
      }
    }
    for (const auto& [number, shard] : shards_) {
      const auto one = shard->instance_status();
      if (one && now.instance) add(*now.instance, *one);
      if (one && !now.instance) now.instance = one;
    }
    const std::lock_guard lock(mutex_);
    shown_ = std::move(now);
  }

  ClusterWorkerOptions options_;
  Clock& clock_;
  const Log log_;
  std::optional<PostgresInstances> instances_;
  const ClusterShardParts shard_parts_;

  ClosingThreads closing_;
  Shards shards_;   // ours
  Shards leaving_;  // draining: assigned to another worker, or this one stops
  PipelineStatus past_ =
      nothing_done(Timestamp::max());  // counters of shards that this worker no longer serves
  std::uint64_t past_missing_ = 0;
  std::size_t workers_ = 1;
  int ticks_ = 0;
  bool beating_ = false;
  bool stopping_ = false;
  std::vector<std::function<void()>> stop_done_;

  mutable std::mutex mutex_;
  Shown shown_;  // guarded by it

  Steps steps_;
};

ClusterWorker::ClusterWorker(Parts parts, ClusterWorkerOptions options, Log log)
    : impl_(std::make_unique<Impl>(parts, std::move(options), log_in_background(std::move(log)))) {}

ClusterWorker::~ClusterWorker() = default;

void ClusterWorker::start() { impl_->start(); }
void ClusterWorker::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
bool ClusterWorker::use_credentials(const std::string& conninfo) {
  return impl_->use_credentials(conninfo);
}
void ClusterWorker::change(const PipelineOptions& options) {
  check(options);
  impl_->change(options);
}
ClusterWorkerStatus ClusterWorker::status() const { return impl_->shown(&Impl::Shown::worker); }
PipelineStatus ClusterWorker::pipeline_status() const {
  return impl_->shown(&Impl::Shown::pipeline);
}
std::optional<PostgresInstanceStatus> ClusterWorker::instance_status() const {
  return impl_->shown(&Impl::Shown::instance);
}

std::string ClusterWorker::not_ready() const {
  const auto worker = status();
  const auto away = std::find_if(worker.shards.begin(), worker.shards.end(),
                                 [](const auto& shard) { return !shard.queue.connected; });
  return away == worker.shards.end() ? "" : "the broker cannot be used: " + away->queue.trouble;
}

}  // namespace postoffice
