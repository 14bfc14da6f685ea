#include "daemon/cluster_role.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "options/redaction.hpp"
#include "support/data_directory.hpp"

namespace postofficed {

class ClusterRole::BrokerUrl {
 public:
  explicit BrokerUrl(std::string url) : url_(std::move(url)) {}

  std::string get() const {
    const std::lock_guard lock(mutex_);
    return url_;
  }

  void set(const std::string& url) {
    const std::lock_guard lock(mutex_);
    url_ = url;
  }

 private:
  mutable std::mutex mutex_;
  std::string url_;
};

postoffice::RabbitOptions rabbit_options(const Options& options) {
  postoffice::RabbitOptions result;
  result.url = options.queue.url;
  result.prefix = options.queue_prefix;
  result.shards = static_cast<int>(options.shards);
  return result;
}

ClusterRole::ClusterRole(DaemonParts& parts)
    : parts_(parts), url_(std::make_shared<BrokerUrl>(parts.options.queue.url)) {}

ClusterRole::~ClusterRole() = default;

Failure ClusterRole::open() {
  const auto& options = parts_.options;
  auto broker = rabbit_options(options);
  broker.url_now = [url = url_] { return url->get(); };
  broker.check();
  if (auto failure = parts_.open_store()) return failure;
  if (options.command != Command::worker) {
    if (auto failure = open_publisher(broker)) return failure;
  }
  if (options.command != Command::serve) {
    parts_.open_source();
    postoffice::PostgresObjectStoreOptions database;
    database.conninfo = options.store.target;
    database.synchronous_commit = options.synchronous_commit;
    worker_.emplace(postoffice::ClusterWorker::Parts{parts_.loop, parts_.clock, *parts_.source},
                    postoffice::ClusterWorkerOptions{broker, database,
                                                     pipeline_options(options, options.shards)},
                    parts_.log);
  }
  parts_.log(postoffice::LogLevel::info,
             "queue " + describe(options.queue) + ", store " + describe(options.store) +
                 (worker_ ? ", source " + redact(options.source) : std::string()));
  return {};
}

Failure ClusterRole::open_publisher(const postoffice::RabbitOptions& broker) {
  const auto& options = parts_.options;
  if (auto failure = prepare_data_directory(options.data_dir)) return failure;
  if (const auto failure = id_.open(options.data_dir)) return {ExitCode::journal, failure.text()};
  if (options.queue.kind == QueueLocation::Kind::file_then_broker) {
    if (auto failure = parts_.open_journal()) return failure;
  }
  parts_.open_ingress([this] { return publisher_->why_not(); });
  postoffice::ClusterPublisherOptions publisher;
  publisher.broker = broker;
  publisher.name = instance_name(options.listen);
  publisher.database.conninfo = options.store.target;
  publisher_.emplace(postoffice::ClusterPublisher::Parts{parts_.loop, parts_.clock, *parts_.ingress,
                                                         id_, parts_.journal.get()},
                     std::move(publisher), parts_.log);
  return {};
}

std::error_code ClusterRole::start() {
  if (worker_) worker_->start();
  return publisher_ ? publisher_->start() : std::error_code{};
}

void ClusterRole::stop(std::function<void()> done) {
  const auto stop_publisher = [this, done = std::move(done)] {
    if (publisher_) return publisher_->stop(done);
    done();
  };
  if (worker_) return worker_->stop(stop_publisher);
  stop_publisher();
}

void ClusterRole::change(const Options& options) {
  if (worker_) worker_->change(pipeline_options(options, options.shards));
}

void ClusterRole::use_credentials(const StoreLocation& store) {
  if (publisher_) publisher_->use_credentials(store.target);
  if (worker_) worker_->use_credentials(store.target);
}

// Each new connection reads them from there.
bool ClusterRole::use_credentials(const QueueLocation& queue) {
  if (!same_place(queue, parts_.options.queue)) return false;
  url_->set(queue.url);
  return true;
}

std::string ClusterRole::not_ready() const {
  if (!publisher_) return worker_->not_ready();
  auto words = publisher_->why_not();
  return words.empty() && parts_.journal ? parts_.journal->trouble() : words;
}

postoffice::PipelineStatus ClusterRole::status() const {
  return worker_ ? worker_->pipeline_status() : publisher_->pipeline_status();
}

std::optional<postoffice::PostgresInstanceStatus> ClusterRole::instance_status() const {
  if (!worker_) return std::nullopt;
  return worker_->instance_status();
}

BrokerStatus ClusterRole::broker_status() const {
  BrokerStatus status;
  if (publisher_) status.publisher = publisher_->status();
  if (worker_) status.worker = worker_->status();
  return status;
}

// The worker that has the first shard.
bool ClusterRole::counts_rows() const {
  if (!worker_) return false;
  const auto shards = worker_->status().shards;
  return std::any_of(shards.begin(), shards.end(),
                     [](const auto& shard) { return shard.shard == 0 && shard.serving; });
}

void ClusterRole::add_to(Shown& shown) {
  shown.broker = [this] { return broker_status(); };
  if (!publisher_) return;
  shown.replay = [this](const std::vector<postoffice::ObjectId>& ids, const ChangeDone& done) {
    publisher_->append(ids, [done](std::error_code error, const auto&) { done(error); });
  };
}

}  // namespace postofficed
