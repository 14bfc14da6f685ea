#include "daemon/broker_daemon.hpp"

#include <stdexcept>
#include <utility>

#include "admin/pages.hpp"
#include "daemon/file_limit.hpp"
#include "daemon/listening.hpp"
#include "daemon/open_queue.hpp"
#include "support/stores.hpp"

namespace postofficed {
namespace {

constexpr auto movement_shown_every = std::chrono::milliseconds(250);

ParsedOptions with_credentials(ParsedOptions parsed) {
  auto& options = parsed.options;
  options.credentials = std::make_shared<Credentials>(options.store.target, options.queue.url);
  return parsed;
}

FileShares file_shares(const Options& options) {
  return share_files(file_limit(), options.fetch_concurrency, options.ingress_threads);
}

}  // namespace

BrokerDaemon::BrokerDaemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log)
    : parsed_(with_credentials(std::move(parsed))),
      options_(parsed_.options),
      sockets_(std::move(sockets)),
      log_(std::move(log)),
      clock_(loop_) {}

BrokerDaemon::~BrokerDaemon() {
  if (admin_) admin_->stop();
  // Nothing may run on the loops while the parts that live on them go.
  admin_loop_.stop();
  loop_.stop();
}

Failure BrokerDaemon::start() {
  for (const auto step :
       {&BrokerDaemon::build, &BrokerDaemon::start_admin, &BrokerDaemon::start_work}) {
    if (auto failure = (this->*step)(); failure.code != ExitCode::ok) return failure;
  }
  tell_ready(publishing_ ? publishing_->journal() : nullptr, log_);
  return {};
}

Failure BrokerDaemon::build() try {
  postoffice::check(rabbit_options(options_));
  std::string problem;
  store_ = make_store(options_.store, true, loop_, log_, problem);
  if (!store_) return {ExitCode::configuration, "store: " + problem};
  const auto shares = file_shares(options_);
  if (options_.command != Command::worker) {
    publishing_.emplace(options_, loop_, clock_, log_);
    auto failure = publishing_->open(sockets_.callback, shares.callbacks);
    if (failure.code != ExitCode::ok) return failure;
  }
  if (options_.command != Command::serve) {
    working_.emplace(options_, loop_, clock_, shares.fetches, log_);
  }
  info("queue " + describe(options_.queue) + ", store " + describe(options_.store) +
       (working_ ? ", source " + options_.source : std::string()));
  return {};
} catch (const std::invalid_argument& error) {
  return {ExitCode::configuration, error.what()};
}

Failure BrokerDaemon::start_admin() {
  postoffice::HttpServerOptions admin;
  admin.listen = options_.admin_listen;
  admin.sockets = sockets_.admin;
  admin.connections_max = file_shares(options_).admin;
  auto pages = make_pages({.store = *store_,
                           .clock = clock_,
                           .options = parsed_.shown,
                           .status = [this] { return pipeline_status(); },
                           .not_ready = [this] { return not_ready(); },
                           .broker = [this] { return broker_status(); },
                           .log = log_,
                           .journal = publishing_ ? publishing_->journal() : nullptr,
                           .ingress = publishing_ ? &publishing_->ingress() : nullptr,
                           .source = working_ ? &working_->source() : nullptr,
                           .store_status = store_status(store_.get()),
                           .instance = [this] { return instance_status(); }});
  admin_.emplace(admin_loop_, admin, std::move(pages), log_);
  loop_.start();
  admin_loop_.start();
  if (const auto error = admin_->start()) {
    return cannot_listen("--admin-listen", options_.admin_listen, error);
  }
  info("admin pages on http://" + with_port(options_.admin_listen, admin_->port()) + "/");
  return {};
}

Failure BrokerDaemon::start_work() {
  show_movement();
  if (working_) working_->start();
  if (!publishing_) return {};
  if (auto failure = publishing_->start(); failure.code != ExitCode::ok) return failure;
  info("callbacks on http://" + with_port(options_.listen, publishing_->ingress().port()) +
       "/callback");
  return {};
}

void BrokerDaemon::stop(std::function<void()> done) {
  const auto stop_publishing = [this, done = std::move(done)] {
    if (publishing_) return publishing_->stop(done);
    done();
  };
  if (working_) return working_->stop(stop_publishing);
  stop_publishing();
}

bool BrokerDaemon::use_credentials(const StoreLocation& store) {
  auto* const database = dynamic_cast<postoffice::PostgresObjectStore*>(store_.get());
  if (!database || !database->use_credentials(store.target)) return false;
  options_.credentials->set_store(store.target);
  if (publishing_) publishing_->use_store(store.target);
  if (working_) working_->use_store(store.target);
  return true;
}

// Each connection asks for them as it begins.
bool BrokerDaemon::use_credentials(const QueueLocation& queue) {
  if (!same_place(queue, options_.queue)) return false;
  options_.credentials->set_broker(queue.url);
  return true;
}

std::string BrokerDaemon::not_ready() const {
  return publishing_ ? publishing_->not_ready() : working_->not_ready();
}

BrokerStatus BrokerDaemon::broker_status() const {
  BrokerStatus status;
  if (publishing_) status.publisher = publishing_->status();
  if (working_) status.worker = working_->status();
  return status;
}

std::optional<postoffice::PostgresInstanceStatus> BrokerDaemon::instance_status() const {
  if (!working_) return std::nullopt;
  return working_->instance_status();
}

postoffice::PipelineStatus BrokerDaemon::pipeline_status() const {
  if (working_) return working_->pipeline_status();
  auto status = publishing_->pipeline_status();
  status.now = moved_at_;
  return status;
}

// There is no pipeline without a worker, but a loop that must not stand still all the same.
void BrokerDaemon::show_movement() {
  moved_at_ = clock_.now();
  clock_.call_at(moved_at_.load() + movement_shown_every, [this] { show_movement(); });
}

}  // namespace postofficed
