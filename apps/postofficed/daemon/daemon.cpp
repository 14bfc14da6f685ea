#include "daemon/daemon.hpp"

#include <stdexcept>
#include <utility>

#include "admin/pages.hpp"
#include "daemon/file_limit.hpp"
#include "daemon/listening.hpp"
#include "daemon/memory_limit.hpp"
#include "daemon/open_queue.hpp"
#include "daemon/shared_store.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"
#include "support/stores.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

postoffice::PipelineOptions pipeline_options(const Options& options) {
  postoffice::PipelineOptions result;
  result.ttl = options.ttl;
  result.keep = options.keep;
  result.fetch_concurrency = options.fetch_concurrency;
  result.fetch_timeout = options.fetch_timeout;
  result.drain_limit = options.drain_limit;
  if (options.store.kind == StoreLocation::Kind::postgres) result.beat = beat_of_instances;
  if (!options.synchronous_commit) result.full_batches_in_flight = batches_not_awaited;
  fit_memory(memory_limit(), 1, result);
  return result;
}

FileShares file_shares(const Options& options) {
  return share_files(file_limit(), options.fetch_concurrency, options.ingress_threads);
}

}  // namespace

Daemon::Daemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log)
    : parsed_(std::move(parsed)),
      options_(parsed_.options),
      sockets_(std::move(sockets)),
      log_(std::move(log)),
      clock_(loop_) {}

Daemon::~Daemon() {
  if (admin_) admin_->stop();
  // Nothing may run on the loops while the parts that live on them go.
  admin_loop_.stop();
  loop_.stop();
}

Failure Daemon::start() {
  for (const auto step : {&Daemon::open_queue, &Daemon::build_parts, &Daemon::start_admin,
                          &Daemon::join_others, &Daemon::start_pipeline}) {
    if (auto failure = (this->*step)(); failure.code != ExitCode::ok) return failure;
  }
  tell_ready(queue_.get(), log_);
  return {};
}

void Daemon::stop(std::function<void()> done) {
  pipeline_->stop([this, done = std::move(done)] {
    const auto status = pipeline_->status();
    const bool finished = status.pending == 0 && status.touches_waiting == 0;
    if (!shared_store_ || !finished) return done();
    leave_instances(*shared_store_, clock_, done);
  });
}

bool Daemon::use_credentials(const StoreLocation& store) {
  const bool postgres = store.kind == StoreLocation::Kind::postgres;
  return postgres && shared_store_ && shared_store_->use_credentials(store.target);
}

Failure Daemon::open_queue() {
  std::string problem;
  if (!prepare_data_directory(options_.data_dir, problem)) return {ExitCode::journal, problem};
  return postofficed::open_queue(options_, clock_, log_, queue_);
}

Failure Daemon::build_parts() try {
  std::string problem;
  store_ = make_store(options_.store, true, loop_, log_, problem,
                      make_instance(options_, queue_->progress(), clock_, stamped_),
                      options_.synchronous_commit);
  if (!store_) return {ExitCode::configuration, "store: " + problem};
  shared_store_ = dynamic_cast<postoffice::PostgresObjectStore*>(store_.get());

  const auto shares = file_shares(options_);
  postoffice::HttpObjectSourceOptions source;
  source.url = options_.source;
  source.connections_max = shares.fetches;
  source.keep_alive = options_.source_keep_alive;
  source_.emplace(loop_, source, log_);

  postoffice::HttpIngressOptions ingress;
  ingress.listen = options_.listen;
  ingress.threads = options_.ingress_threads;
  ingress.sockets = sockets_.callback;
  ingress.connections_max = shares.callbacks;
  if (options_.public_health) ingress.not_ready = [this] { return not_ready(); };
  ingress_.emplace(ingress, log_);

  guarded_.emplace(*ingress_, [store = shared_store_]() -> std::error_code {
    if (store && store->fenced()) return postoffice::Error::fenced;
    return {};
  });

  const auto pipeline = pipeline_options(options_);
  if (pipeline.pending_ids_max < postoffice::PipelineOptions().pending_ids_max) {
    info("memory for " + std::to_string(pipeline.pending_ids_max) + " waiting ids and " +
         std::to_string(pipeline.known_ids_max) + " known ones");
  }
  pipeline_.emplace(postoffice::Pipeline::Parts{clock_, *guarded_, *queue_, *source_, *store_},
                    pipeline, log_);
  info("store " + describe(options_.store) + ", source " + options_.source);
  return {};
} catch (const std::invalid_argument& error) {
  return {ExitCode::configuration, error.what()};
}

Failure Daemon::start_admin() {
  postoffice::HttpServerOptions admin;
  admin.listen = options_.admin_listen;
  admin.sockets = sockets_.admin;
  admin.connections_max = file_shares(options_).admin;
  auto pages = make_pages({.store = *store_,
                           .clock = clock_,
                           .options = parsed_.shown,
                           .status = [this] { return pipeline_->status(); },
                           .not_ready = [this] { return not_ready(); },
                           .progress = [this](const postoffice::Receipt& receipt,
                                              auto done) { pipeline_->progress(receipt, done); },
                           .log = log_,
                           .journal = queue_.get(),
                           .ingress = &*ingress_,
                           .source = &*source_,
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

std::string Daemon::not_ready() const {
  if (!ingress_->status().listening) return "callbacks are not listened for yet";
  if (auto trouble = queue_->trouble(); !trouble.empty()) return trouble;
  const auto instance = instance_status();
  if (instance && instance->fenced) {
    return about_successor(*instance, describe(options_.store)).what;
  }
  return {};
}

std::optional<postoffice::PostgresInstanceStatus> Daemon::instance_status() const {
  if (!shared_store_) return std::nullopt;
  return shared_store_->instance_status();
}

void Daemon::look_around() {
  if (const auto line = silence_.look(shared_store_->instance_status(), describe(options_.store))) {
    log_(line->first, line->second);
  }
  clock_.call_at(clock_.now() + std::chrono::seconds(1), [this] { look_around(); });
}

Failure Daemon::join_others() {
  if (shared_store_) register_instance(*shared_store_, queue_->progress(), options_.ttl);
  *stamped_ = true;
  if (shared_store_) clock_.call_at(postoffice::Timestamp::min(), [this] { look_around(); });
  return {};
}

Failure Daemon::start_pipeline() {
  if (const auto error = pipeline_->start()) {
    return cannot_listen("--listen", options_.listen, error);
  }
  info("callbacks on http://" + with_port(options_.listen, ingress_->port()) + "/callback");
  return {};
}

}  // namespace postofficed
