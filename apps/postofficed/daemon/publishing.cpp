#include "daemon/publishing.hpp"

#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "daemon/listening.hpp"
#include "daemon/open_queue.hpp"
#include "daemon/shared_store.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using postoffice::LogLevel;

// Again and again: somebody may have retired this publisher, thinking that it is gone.
constexpr auto look_again = 1s;
constexpr int looks_until_registering = 10;

postoffice::PostgresObjectStoreOptions database(const Options& options) {
  postoffice::PostgresObjectStoreOptions result;
  result.conninfo = options.store.target;
  return result;
}

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

std::string process_name() {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + std::to_string(getpid());
}

postoffice::RabbitOptions rabbit_options(const Options& options) {
  postoffice::RabbitOptions result;
  result.url = options.queue.url;
  result.prefix = options.queue_prefix;
  result.shards = static_cast<int>(options.shards);
  if (options.credentials) {
    result.url_now = [credentials = options.credentials] { return credentials->broker(); };
  }
  return result;
}

Publishing::Publishing(const Options& options, postoffice::EventLoop& loop,
                       postoffice::Clock& clock, postoffice::Log log)
    : options_(options),
      clock_(clock),
      log_(std::move(log)),
      instances_(loop, database(options), log_) {}

Publishing::~Publishing() {
  // Whoever completes appends goes before whoever waits for them.
  forwarder_.reset();
  publisher_.reset();
}

Failure Publishing::open(std::vector<int> sockets, std::size_t connections_max) {
  std::string problem;
  if (!prepare_data_directory(options_.data_dir, problem) ||
      !id_.open(options_.data_dir, problem)) {
    return {ExitCode::journal, problem};
  }
  const bool journal_first = options_.queue.kind == QueueLocation::Kind::file_then_broker;
  if (journal_first) {
    if (auto failure = open_queue(options_, clock_, log_, journal_); failure.code != ExitCode::ok)
      return failure;
  }
  auto rabbit = rabbit_options(options_);
  rabbit.publisher = id_.value();
  place_.emplace(id_.value(), instance_name(options_.listen), rabbit.shards);
  publisher_ = std::make_unique<postoffice::RabbitPublisher>(rabbit, clock_, log_);
  if (journal_first) forward_from_journal();

  postoffice::HttpIngressOptions ingress;
  ingress.listen = options_.listen;
  ingress.threads = options_.ingress_threads;
  ingress.sockets = std::move(sockets);
  ingress.connections_max = connections_max;
  ingress.why_not = [this] { return journal_ ? copied() : broker_trouble(); };
  if (options_.public_health) ingress.not_ready = [this] { return not_ready(); };
  ingress_.emplace(ingress, log_);
  return {};
}

void Publishing::forward_from_journal() {
  forwarder_ = std::make_unique<postoffice::Forwarder>(
      *journal_, clock_,
      [this](std::span<const postoffice::ObjectId> ids, postoffice::Timestamp received_at,
             postoffice::Forwarder::Done done) {
        publisher_->forward(ids, received_at, std::move(done));
      },
      postoffice::ForwarderOptions{}, log_);
  publisher_->set_frontier([this] { return forwarder_->frontier(); });
}

Failure Publishing::start() {
  if (forwarder_) forwarder_->start();
  clock_.call_at(postoffice::Timestamp::min(), [this] { register_now(); });
  const auto error =
      ingress_->start([this](std::span<const postoffice::ObjectId> ids,
                             postoffice::Queue::AppendDone done) { append(ids, std::move(done)); });
  if (error) return cannot_listen("--listen", options_.listen, error);
  return {};
}

void Publishing::append(std::span<const postoffice::ObjectId> ids,
                        postoffice::Queue::AppendDone done) {
  if (journal_ && copied_) return done(postoffice::Error::fenced, {});
  if (journal_) return journal_->append(ids, std::nullopt, std::move(done));
  publisher_->append(ids, std::move(done));
}

// One question after the other: what is seen is from after the last registration.
void Publishing::look_at_place() {
  if (stopping_) return;
  instances_.list([this](std::error_code error, const postoffice::PostgresInstanceList& list) {
    const bool free = !error && place_->look(list);
    if (!error) give_way(place_->other());
    const bool due = error || free || ++looks_ >= looks_until_registering;
    if (due && place_->other().empty()) return register_now();
    clock_.call_at(clock_.now() + look_again, [this] { look_at_place(); });
  });
}

void Publishing::give_way(const std::string& other) {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(other_, other);
  }
  if (before == other) return;
  copied_ = !other.empty();
  publisher_->hush(copied_);
  if (other.empty()) return log_(LogLevel::info, "publisher: the only one of its number again");
  log_(LogLevel::error, "publisher: " + copied());
}

std::string Publishing::copied() const {
  const std::lock_guard lock(mutex_);
  if (other_.empty()) return {};
  return other_ + " publishes as " + hex(id_.value()) +
         ", too: its data directory is a copy of this one. Nothing is accepted here until that is "
         "stopped, or retired. To use both, stop this one, delete " +
         options_.data_dir + "/publisher, and start it";
}

void Publishing::register_now() {
  if (stopping_) return;
  looks_ = 0;
  const auto done = [this](std::error_code error, postoffice::Timestamp floor) {
    if (!error) clock_.not_before(floor);
    if (!error) place_->taken();
    if (registered_.exchange(!error) != !error) {
      log_(error ? LogLevel::warning : LogLevel::info,
           error ? "database: does not know this publisher (" + error.message() +
                       "); callbacks are accepted"
                 : "database: knows publisher " + hex(id_.value()));
    }
    clock_.call_at(clock_.now() + look_again, [this] { look_at_place(); });
  };
  instances_.register_publisher(id_.value(), instance_name(options_.listen),
                                static_cast<int>(options_.shards), done);
}

void Publishing::stop(std::function<void()> done) {
  stopping_ = true;
  ingress_->stop([this, done = std::move(done)] {
    if (!forwarder_) return stop_publishing(done);
    // Once more around the loop: the forwarder is not to be destroyed from within its own call.
    forwarder_->stop([this, done] {
      clock_.call_at(postoffice::Timestamp::min(), [this, done] { stop_publishing(done); });
    });
  });
}

void Publishing::stop_publishing(std::function<void()> done) {
  // Goodbye lets rows expire without this publisher. What is left on the disk still holds them.
  const auto journal = journal_ ? journal_->progress() : postoffice::QueueProgress{};
  const bool left = journal.acknowledged < journal.last_durable;
  if (left) {
    log_(LogLevel::info, "callbacks are left on the disk; the next start forwards them");
    return done();
  }
  publisher_->stop(std::move(done));
}

std::string Publishing::not_ready() const {
  if (!ingress_->status().listening) return "callbacks are not listened for yet";
  if (auto words = copied(); !words.empty()) return words;
  return journal_ ? journal_->trouble() : broker_trouble();
}

std::string Publishing::broker_trouble() const {
  if (auto words = copied(); !words.empty()) return words;
  const auto status = publisher_->status();
  if (status.refusing) return "the broker refuses messages: a queue has reached its limit (nack)";
  if (!status.connected) return "the broker cannot be used: " + status.trouble;
  return status.blocked ? "the broker takes nothing now: it has no memory or disk left" : "";
}

BrokerStatus::Publisher Publishing::status() const {
  const auto status = publisher_->status();
  BrokerStatus::Publisher result;
  result.id = hex(id_.value());
  result.registered = registered_;
  result.copied = copied();
  result.connected = status.connected;
  result.blocked = status.blocked;
  result.refusing = status.refusing;
  result.losing = status.losing;
  result.lost = status.lost;
  result.dead_queue = {status.dead, status.dead_grows};
  result.trouble = status.trouble;
  result.unconfirmed = status.unconfirmed;
  result.accepted_callbacks = status.accepted_callbacks;
  result.accepted_ids = status.accepted_ids;
  result.forwarded = status.forwarded;
  result.refused = status.refused;
  result.overdue = status.overdue;
  result.returned = status.returned;
  result.nacked = status.nacked;
  result.broken = status.broken;
  result.connects = status.connects;
  if (forwarder_) result.forwarder = forwarder_->status();
  return result;
}

// Of the pipeline there is the first step only.
postoffice::PipelineStatus Publishing::pipeline_status() const {
  postoffice::PipelineStatus status;
  status.now = clock_.now();
  status.watermark = status.now;
  status.oldest_pending = status.now;
  status.behind_since = status.oldest_in_queue_only = status.now;
  status.queue_statistics.writable = not_ready().empty();
  if (journal_) {
    status.queue = journal_->progress();
    status.queue_statistics = journal_->statistics();
    status.accepted_callbacks = status.queue.accepted_callbacks;
    status.accepted_ids = status.queue.accepted_ids;
  } else {
    const auto published = publisher_->status();
    status.accepted_callbacks = published.accepted_callbacks;
    status.accepted_ids = published.accepted_ids;
    status.queue.frontier = status.now;
  }
  return status;
}

}  // namespace postofficed
