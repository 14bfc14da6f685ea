#include "cluster/cluster_shard.hpp"

#include <algorithm>
#include <utility>

namespace postoffice::cluster {

ClusterShard::ClusterShard(const ClusterShardParts& parts, int number)
    : parts_(parts),
      number_(number),
      queue_(std::make_unique<RabbitQueue>(parts.options.broker, number, parts.clock, parts.log)) {}

ClusterShard::~ClusterShard() { self_.reset(); }

void ClusterShard::look() {
  if (!pipeline_ && !stopping_ && queue_->session() != 0) begin();
  if (!pipeline_) return;
  part_with_departed();
  look_at_session();
}

// The epoch is read before the session: a new session may register anew.
void ClusterShard::look_at_session() {
  const auto status = store_->instance_status();
  const auto epoch = status.registered ? status.epoch : 0;
  const auto session = queue_->session();
  if (session == session_) {
    if (between_is_known_) epoch_ = epoch;
  } else {
    between_is_known_ = session_ == 0 || epoch_ == 0;
    session_ = session;
  }
  if (!between_is_known_ && !asking_) ask_who_was_between();
}

// A worker registers before it acknowledges callbacks, since they go into the database first. So
// while the row still has our epoch, no other worker has acknowledged any.
void ClusterShard::ask_who_was_between() {
  asking_ = true;
  const auto done = [this, self = std::weak_ptr<ClusterShard*>(self_), session = session_](
                        std::error_code error, const PostgresInstanceList& list) {
    if (self.expired()) return;
    asking_ = false;
    if (error || session != session_) return;
    between_is_known_ = true;
    const bool ours = std::any_of(list.rows.begin(), list.rows.end(), [this](const auto& row) {
      return row.publisher == 0 && row.shard == number_ && row.epoch == epoch_;
    });
    if (ours && queue_) queue_->nobody_before(session);
  };
  parts_.instances.list(done);
}

void ClusterShard::begin() {
  auto database = parts_.options.database;
  database.instance.emplace();
  database.instance->shard = number_;
  database.instance->name = parts_.options.name;
  database.instance->session = [queue = queue_.get()] { return queue->session(); };
  database.instance->publishers = [queue = queue_.get()](Timestamp as_of) {
    return queue->heard_before(as_of);
  };
  database.instance->now = [&clock = parts_.clock] { return clock.now(); };
  store_ = std::make_unique<PostgresObjectStore>(parts_.loop, database, parts_.log);
  auto options = parts_.options.pipeline;
  options.fetch_concurrency = fetches_;
  pipeline_ = std::make_unique<Pipeline>(
      Pipeline::Parts{parts_.clock, ingress_, *queue_, parts_.source, *store_}, options,
      parts_.log);
  pipeline_->start();
  parts_.log(LogLevel::info, "shard " + std::to_string(number_) + ": assigned to this worker");
}

// Deletes stop waiting for a publisher only when everything it sent is in the store. It is
// forgotten here only after the database has forgotten it, since deletes wait for each publisher
// that the database still lists.
void ClusterShard::part_with_departed() {
  for (const auto publisher : queue_->departed(pipeline_->status().watermark)) {
    if (!parting_.insert(publisher).second) continue;
    const std::weak_ptr<ClusterShard*> self = self_;
    store_->remove_publisher(publisher, [self, publisher](std::error_code error) {
      const auto shard = self.lock();
      if (!shard) return;
      (*shard)->parting_.erase(publisher);
      if (!error && (*shard)->queue_) (*shard)->queue_->forget(publisher);
    });
  }
}

void ClusterShard::set_fetch_concurrency(std::size_t fetches) {
  fetches_ = fetches;
  if (pipeline_) pipeline_->set_fetch_concurrency(fetches);
}

void ClusterShard::options_changed() {
  if (pipeline_) pipeline_->change(parts_.options.pipeline);
}

void ClusterShard::use_credentials(const std::string& conninfo) {
  if (store_) store_->use_credentials(conninfo);
}

void ClusterShard::stop(std::function<void()> done) {
  stopping_ = true;
  if (!pipeline_) return done();
  pipeline_->stop(std::move(done));
}

std::optional<PipelineStatus> ClusterShard::pipeline_status() const {
  if (!pipeline_) return std::nullopt;
  return pipeline_->status();
}

std::optional<PostgresInstanceStatus> ClusterShard::instance_status() const {
  if (!store_) return std::nullopt;
  return store_->instance_status();
}

ClusterShardStatus ClusterShard::status() const {
  ClusterShardStatus result;
  result.shard = number_;
  result.queue = queue_->details();
  result.serving = pipeline_ != nullptr && result.queue.connected;
  if (!pipeline_) return result;
  const auto status = pipeline_->status();
  result.watermark = status.watermark;
  result.pending = status.pending;
  return result;
}

std::unique_ptr<RabbitQueue> ClusterShard::release() {
  pipeline_.reset();
  store_.reset();
  return std::move(queue_);
}

}  // namespace postoffice::cluster
