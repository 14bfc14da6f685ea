#include "daemon/working.hpp"

#include <algorithm>
#include <utility>

#include "daemon/publishing.hpp"
#include "daemon/shard_shares.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using postoffice::LogLevel;
using postoffice::Timestamp;

constexpr auto tick_every = 100ms;
constexpr int ticks_of_beat = 10;

postoffice::PostgresObjectStoreOptions database(const Options& options) {
  postoffice::PostgresObjectStoreOptions result;
  result.conninfo = options.store.target;
  return result;
}

postoffice::HttpObjectSourceOptions source_options(const Options& options,
                                                   std::size_t connections_max) {
  postoffice::HttpObjectSourceOptions result;
  result.url = options.source;
  result.connections_max = connections_max;
  result.keep_alive = options.source_keep_alive;
  return result;
}

// Of two shards of one worker.
postoffice::PostgresInstanceStatus joined(const postoffice::PostgresInstanceStatus& one,
                                          const postoffice::PostgresInstanceStatus& other) {
  auto both = one;
  both.registered = one.registered && other.registered;
  both.watermark = std::max(one.watermark, other.watermark);
  if (!one.fenced && other.fenced) {
    both.fenced = true;
    both.successor = other.successor;
  }
  if (one.silent_instances < other.silent_instances) {
    both.silent_instances = other.silent_instances;
    both.silent = other.silent;
  }
  return both;
}

}  // namespace

Working::Working(const Options& options, postoffice::EventLoop& loop, postoffice::Clock& clock,
                 std::size_t connections_max, postoffice::Log log)
    : options_(options),
      clock_(clock),
      log_(std::move(log)),
      name_(process_name()),
      instances_(loop, database(options), log_),
      parts_{
          options,    loop, clock, source_.emplace(loop, source_options(options, connections_max)),
          instances_, log_, name_} {
  shown_.name = name_;
}

Working::~Working() {
  shards_.clear();
  leaving_.clear();
  closing_.join_all();
}

void Working::start() {
  clock_.call_at(Timestamp::min(), [this] { tick(); });
}

void Working::tick() {
  if (!stopping_ && ticks_++ % ticks_of_beat == 0 && !beating_) beat();
  for (const auto& [number, shard] : shards_) shard->look();
  publish();
  closing_.join_ended();
  clock_.call_at(clock_.now() + tick_every, [this] { tick(); });
}

void Working::beat() {
  beating_ = true;
  instances_.beat_worker(name_, [this](std::error_code error, std::vector<std::string> live) {
    beating_ = false;
    if (error || stopping_) return;
    workers_ = std::max<std::size_t>(1, live.size());
    take(shards_of(name_, live, static_cast<int>(options_.shards)));
  });
}

void Working::take(std::vector<int> mine) {
  std::vector<int> lost;
  for (const auto& [number, shard] : shards_) {
    if (!std::binary_search(mine.begin(), mine.end(), number)) lost.push_back(number);
  }
  for (const int number : lost) give_back(number);
  const auto before = shards_.size();
  for (const int number : mine) {
    // One that is still being given back comes again with the next beat.
    if (shards_.contains(number) || leaving_.contains(number)) continue;
    shards_[number] = std::make_unique<Shard>(parts_, number);
  }
  if (lost.empty() && shards_.size() == before) return;
  share_fetches();
  log_(LogLevel::info, counted(workers_, "worker") + " live; " + counted(shards_.size(), "shard") +
                           " of " + std::to_string(options_.shards) + " belong to this one");
}

void Working::share_fetches() {
  std::size_t index = 0;
  for (const auto& [number, shard] : shards_) {
    shard->set_fetch_concurrency(share_of(options_.fetch_concurrency, shards_.size(), index++));
  }
}

void Working::give_back(int number) {
  const auto place = shards_.find(number);
  auto& leaving = leaving_[number];
  leaving = std::move(place->second);
  shards_.erase(place);
  leaving->stop(
      [this, number] { clock_.call_at(Timestamp::min(), [this, number] { gone(number); }); });
}

// Closing waits for the network, and the loop is not to.
void Working::gone(int number) {
  const auto place = leaving_.find(number);
  if (const auto status = place->second->pipeline_status()) {
    auto counted_so_far = *status;
    // Ids that have not ended here are counted by whoever has the shard next.
    counted_so_far.accepted_ids -= counted_so_far.pending;
    counted_so_far.pending = 0;
    counted_so_far.known_ids = 0;
    add(past_, counted_so_far);
  }
  past_missing_ += place->second->status().missing;
  closing_.run([queue = std::shared_ptr(place->second->release())]() mutable { queue.reset(); });
  leaving_.erase(place);
  finish_stop();
}

void Working::stop(std::function<void()> done) {
  clock_.call_at(Timestamp::min(), [this, done = std::move(done)] {
    stop_done_.push_back(done);
    stopping_ = true;
    std::vector<int> all;
    for (const auto& [number, shard] : shards_) all.push_back(number);
    for (const int number : all) give_back(number);
    finish_stop();
  });
}

void Working::finish_stop() {
  if (!stopping_ || !leaving_.empty()) return;
  for (const auto& done : std::exchange(stop_done_, {})) done();
}

void Working::use_store(const std::string& conninfo) {
  instances_.use_credentials(conninfo);
  clock_.call_at(Timestamp::min(), [this, conninfo] {
    for (const auto* shards : {&shards_, &leaving_}) {
      for (const auto& [number, shard] : *shards) shard->use_store(conninfo);
    }
  });
}

void Working::publish() {
  BrokerStatus::Worker worker;
  worker.name = name_;
  worker.workers = workers_;
  worker.missing = past_missing_;
  auto sum = past_;
  sum.now = clock_.now();
  sum.watermark = sum.oldest_pending = sum.queue.frontier = sum.now;
  sum.behind_since = sum.oldest_in_queue_only = sum.now;
  sum.store_up = true;
  sum.queue_statistics.writable = true;
  for (const auto* shards : {&shards_, &leaving_}) {
    for (const auto& [number, shard] : *shards) {
      worker.shards.push_back(shard->status());
      worker.missing += worker.shards.back().missing;
      if (const auto status = shard->pipeline_status()) add(sum, *status);
    }
  }
  auto instance = look_at_instances();
  const std::lock_guard lock(mutex_);
  shown_instance_ = std::move(instance);
  shown_ = std::move(worker);
  shown_status_ = std::move(sum);
}

// All shards are told the same about the others; each knows its own place only.
std::optional<postoffice::PostgresInstanceStatus> Working::look_at_instances() {
  std::optional<postoffice::PostgresInstanceStatus> all;
  for (const auto& [number, shard] : shards_) {
    auto one = shard->instance_status();
    if (one) all = all ? joined(*all, *one) : *one;
  }
  if (!all) return all;
  if (const auto line = silence_.look(*all, describe(options_.store))) {
    log_(line->first, line->second);
  }
  return all;
}

std::optional<postoffice::PostgresInstanceStatus> Working::instance_status() const {
  const std::lock_guard lock(mutex_);
  return shown_instance_;
}

BrokerStatus::Worker Working::status() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

postoffice::PipelineStatus Working::pipeline_status() const {
  const std::lock_guard lock(mutex_);
  return shown_status_;
}

std::string Working::not_ready() const {
  const auto worker = status();
  const auto away = std::find_if(worker.shards.begin(), worker.shards.end(),
                                 [](const auto& shard) { return !shard.connected; });
  return away == worker.shards.end() ? "" : "the broker cannot be used: " + away->trouble;
}

void add(postoffice::PipelineStatus& sum, const postoffice::PipelineStatus& one) {
  using Status = postoffice::PipelineStatus;
  for (const auto field : {&Status::accepted_callbacks,
                           &Status::accepted_ids,
                           &Status::stored,
                           &Status::merged,
                           &Status::not_found,
                           &Status::expired,
                           &Status::dead,
                           &Status::pending,
                           &Status::fetches,
                           &Status::fetch_failures,
                           &Status::fetches_in_flight,
                           &Status::touches,
                           &Status::deleted,
                           &Status::carried,
                           &Status::store_failures,
                           &Status::known_ids,
                           &Status::touches_waiting,
                           &Status::answers_waiting,
                           &Status::retries_waiting,
                           &Status::stuck_rows,
                           &Status::stuck_deletes}) {
    sum.*field += one.*field;
  }
  sum.stuck.insert(sum.stuck.end(), one.stuck.begin(), one.stuck.end());
  sum.stuck_since = std::min(sum.stuck_since, one.stuck_since);
  sum.source_open = sum.source_open || one.source_open;
  sum.store_up = sum.store_up && one.store_up;
  sum.watermark = std::min(sum.watermark, one.watermark);
  sum.oldest_pending = std::min(sum.oldest_pending, one.oldest_pending);
  sum.ids_in_queue_only += one.ids_in_queue_only;
  sum.behind_since = std::min(sum.behind_since, one.behind_since);
  sum.oldest_in_queue_only = std::min(sum.oldest_in_queue_only, one.oldest_in_queue_only);
  sum.queue.frontier = std::min(sum.queue.frontier, one.queue.frontier);
  sum.queue.last_durable += one.queue.last_durable;
  sum.queue.acknowledged += one.queue.acknowledged;
  sum.queue_statistics.bytes += one.queue_statistics.bytes;
  sum.queue_statistics.writable &= one.queue_statistics.writable;
}

}  // namespace postofficed
