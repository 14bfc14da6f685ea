#include "daemon/shard.hpp"

#include <algorithm>
#include <utility>

#include "daemon/memory_limit.hpp"
#include "daemon/publishing.hpp"
#include "daemon/shared_store.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;

// How often others learn how far this shard is: a part of the second that expiry may be late.
constexpr auto beat = 250ms;

postoffice::PipelineOptions pipeline_options(const Options& options, std::size_t fetches) {
  postoffice::PipelineOptions result;
  result.ttl = options.ttl;
  result.keep = options.keep;
  result.fetch_concurrency = fetches;
  result.fetch_timeout = options.fetch_timeout;
  result.drain_limit = options.drain_limit;
  result.beat = beat;
  if (!options.synchronous_commit) result.full_batches_in_flight = batches_not_awaited;
  fit_memory(memory_limit(), static_cast<std::size_t>(options.shards), result);
  return result;
}

}  // namespace

Shard::Shard(const ShardParts& parts, int number)
    : parts_(parts),
      number_(number),
      queue_(std::make_unique<postoffice::RabbitQueue>(rabbit_options(parts.options), number,
                                                       parts.clock, parts.log)) {}

Shard::~Shard() { self_.reset(); }

void Shard::look() {
  if (!pipeline_ && !stopping_ && queue_->session() != 0) begin();
  if (!pipeline_) return;
  part_with_departed();
  look_at_session();
}

// The epoch is read before the session: a new session may register anew.
void Shard::look_at_session() {
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

// Whoever takes callbacks out of the queue for good has registered before, for they go into the
// database: with our epoch still in its place nobody has.
void Shard::ask_who_was_between() {
  asking_ = true;
  const auto done = [this, self = std::weak_ptr<Shard*>(self_), session = session_](
                        std::error_code error, const postoffice::PostgresInstanceList& list) {
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

void Shard::begin() {
  postoffice::PostgresObjectStoreOptions database;
  database.conninfo = parts_.options.credentials->store();
  database.synchronous_commit = parts_.options.synchronous_commit;
  database.instance.emplace();
  database.instance->shard = number_;
  database.instance->name = parts_.name;
  database.instance->session = [queue = queue_.get()] { return queue->session(); };
  database.instance->publishers = [queue = queue_.get()](postoffice::Timestamp as_of) {
    return queue->heard_before(as_of);
  };
  database.instance->now = [&clock = parts_.clock] { return clock.now(); };
  store_ = std::make_unique<postoffice::PostgresObjectStore>(parts_.loop, database, parts_.log);
  pipeline_ = std::make_unique<postoffice::Pipeline>(
      postoffice::Pipeline::Parts{parts_.clock, ingress_, *queue_, parts_.source, *store_},
      pipeline_options(parts_.options, fetches_), parts_.log);
  pipeline_->start();
  parts_.log(postoffice::LogLevel::info, "shard " + std::to_string(number_) + ": is ours");
}

// Only when all it sent is in the store may rows expire without it; and only when the database
// has forgotten it do we, for rows wait for whom it remembers.
void Shard::part_with_departed() {
  for (const auto publisher : queue_->departed(pipeline_->status().watermark)) {
    if (!parting_.insert(publisher).second) continue;
    const std::weak_ptr<Shard*> self = self_;
    store_->remove_publisher(publisher, [self, publisher](std::error_code error) {
      const auto shard = self.lock();
      if (!shard) return;
      (*shard)->parting_.erase(publisher);
      if (!error && (*shard)->queue_) (*shard)->queue_->forget(publisher);
    });
  }
}

void Shard::set_fetch_concurrency(std::size_t fetches) {
  fetches_ = fetches;
  if (pipeline_) pipeline_->set_fetch_concurrency(fetches);
}

void Shard::use_store(const std::string& conninfo) {
  if (store_) store_->use_credentials(conninfo);
}

void Shard::stop(std::function<void()> done) {
  stopping_ = true;
  if (!pipeline_) return done();
  pipeline_->stop(std::move(done));
}

std::optional<postoffice::PipelineStatus> Shard::pipeline_status() const {
  if (!pipeline_) return std::nullopt;
  return pipeline_->status();
}

std::optional<postoffice::PostgresInstanceStatus> Shard::instance_status() const {
  if (!store_) return std::nullopt;
  return store_->instance_status();
}

BrokerStatus::Shard Shard::status() const {
  const auto details = queue_->details();
  BrokerStatus::Shard result;
  result.shard = number_;
  result.connected = details.connected;
  result.serving = pipeline_ != nullptr && details.connected;
  result.trouble = details.trouble;
  result.unacknowledged = details.unacknowledged;
  result.redelivered = details.redelivered;
  result.rejected = details.rejected;
  result.rejected_last = details.rejected_last;
  result.missing = details.missing;
  result.missing_for = details.missing_for;
  result.dead_queue = {details.dead, details.dead_grows};
  if (!pipeline_) return result;
  const auto status = pipeline_->status();
  result.watermark = status.watermark;
  result.pending = status.pending;
  return result;
}

std::unique_ptr<postoffice::RabbitQueue> Shard::release() {
  pipeline_.reset();
  store_.reset();
  return std::move(queue_);
}

}  // namespace postofficed
