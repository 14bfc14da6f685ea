#include "daemon/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "admin/pages.hpp"
#include "admin/troubles.hpp"
#include "daemon/file_limit.hpp"
#include "daemon/listening.hpp"
#include "daemon/open_queue.hpp"
#include "postoffice/error.hpp"
#include "support/stores.hpp"

namespace postofficed {
namespace {

constexpr std::chrono::seconds patience_with_queue{5};

HealthBounds health_bounds(const Options& options) {
  HealthBounds bounds;
  bounds.fetch_timeout = options.fetch_timeout;
  return bounds;
}

}  // namespace

Daemon::Daemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log)
    : options_(std::move(parsed.options)),
      shown_options_(std::move(parsed.shown)),
      parts_{options_, std::move(sockets),
             share_files(file_limit(), options_.fetch_concurrency, options_.ingress_threads),
             std::move(log), [this] { return not_ready(); }},
      role_(make_role(parts_)),
      health_(health_bounds(options_), parts_.log) {}

Daemon::~Daemon() {
  if (admin_) admin_->stop();
  // Nothing may run on the loops while the parts that use them are destroyed.
  admin_loop_.stop();
  parts_.loop.stop();
}

Failure Daemon::start() {
  for (const auto step : {&Daemon::open, &Daemon::start_admin, &Daemon::start_role}) {
    if (auto failure = (this->*step)()) return failure;
  }
  tell_ready(parts_.journal.get(), parts_.log);
  return {};
}

Failure Daemon::open() try {
  const bool listens = parts_.sockets.callback.empty() && parts_.sockets.admin.empty();
  if (auto failure = listens ? check_listeners(options_) : Failure()) return failure;
  return role_->open();
} catch (const std::invalid_argument& error) {
  return {ExitCode::configuration, redact_in(error.what(), options_.source)};
}

Failure Daemon::start_admin() {
  admin_access_.emplace(options_, parts_.sockets.admin, parts_.log);
  census_.emplace(parts_.clock, *parts_.store, [this] { return role_->counts_rows(); });
  postoffice::HttpServerOptions admin;
  admin.listen = options_.admin_listen;
  admin.sockets = parts_.sockets.admin;
  admin.connections_max = parts_.shares.admin;
  if (parts_.postgres) instances_.emplace(admin_loop_, options_.store.target);
  auto pages = shown();
  recorder_.emplace(pages, admin_clock_);
  pages.recorder = &*recorder_;
  admin_.emplace(admin_loop_, admin, make_pages(pages), parts_.log);
  parts_.loop.start();
  admin_loop_.start();
  if (const auto error = admin_->start()) {
    return cannot_listen("--admin-listen", options_.admin_listen, error);
  }
  admin_access_->announce(admin_->port());
  info("admin pages on http://" + with_port(options_.admin_listen, admin_->port()) + "/");
  return {};
}

Failure Daemon::start_role() {
  if (const auto error = role_->start()) {
    return cannot_listen("--listen", options_.listen, error);
  }
  shown_.emplace(shown());
  started_ = parts_.clock.now();
  parts_.clock.call_at(postoffice::Timestamp::min(), [this] { look_around(); });
  admin_clock_.call_at(postoffice::Timestamp::min(), [this] { recorder_->start(); });
  if (parts_.ingress) {
    info("callbacks on http://" + with_port(options_.listen, parts_.ingress->port()) + "/callback");
  }
  return {};
}

Shown Daemon::shown() {
  Shown shown{.store = *parts_.store,
              .clock = parts_.clock,
              .options = shown_options_,
              .status = [this] { return role_->status(); },
              .not_ready = [this] { return not_ready(); },
              .queue_trouble = [this] { return role_->not_ready(); },
              .stopping = [this] { return stopping_.load(); },
              .log = parts_.log,
              .journal = parts_.journal.get(),
              .ingress = parts_.ingress ? &*parts_.ingress : nullptr,
              .source = parts_.source ? &*parts_.source : nullptr,
              .admin = [this] { return admin_->status(); },
              .counts = [this] { return census_->counts(); },
              .store_status = store_status(parts_.store.get()),
              .instance = [this] { return role_->instance_status(); },
              .health = &health_,
              .access = &admin_access_->access(),
              .drop = [this](auto ids, auto done) { drop_dead_letters(std::move(ids), done); }};
  if (instances_) shown.instances = [this](auto done) { instances_->get(std::move(done)); };
  role_->add_to(shown);
  if (shown.replay) shown.replay = bounded(std::move(shown.replay));
  return shown;
}

void Daemon::change(const ParsedOptions& running) {
  role_->change(running.options);
  shown_options_.set(running.shown);
}

// Appending to a disk that stands still is not answered until it goes on.
ChangeLetters Daemon::bounded(ChangeLetters change) {
  return [this, change = std::move(change)](auto ids, const ChangeDone& done) {
    const auto answered = std::make_shared<std::atomic_flag>();
    const ChangeDone once = [answered, done](std::error_code error) {
      if (!answered->test_and_set()) done(error);
    };
    parts_.clock.call_at(parts_.clock.now() + patience_with_queue,
                         [once] { once(postoffice::Error::timed_out); });
    change(std::move(ids), once);
  };
}

bool Daemon::use_credentials(const StoreLocation& store) {
  const bool postgres = store.kind == StoreLocation::Kind::postgres && parts_.postgres;
  if (!postgres || !parts_.postgres->use_credentials(store.target)) return false;
  if (instances_) instances_->use_credentials(store.target);
  role_->use_credentials(store);
  return true;
}

void Daemon::stop(std::function<void()> done) {
  stopping_ = true;
  const auto delay = options_.drain_delay;
  if (delay.count() == 0) return drain(std::move(done));
  info("stopping in " + in_seconds(delay) +
       ": not ready any more; callbacks that come are accepted until then");
  parts_.clock.call_at(parts_.clock.now() + delay, [this, done = std::move(done)] { drain(done); });
}

void Daemon::drain(std::function<void()> done) {
  info("stopping: waiting for fetches in flight");
  role_->stop(std::move(done));
}

void Daemon::drop_dead_letters(std::vector<postoffice::ObjectId> ids, const ChangeDone& done) {
  postoffice::Changes changes;
  changes.cleared = std::move(ids);
  parts_.store->apply(std::move(changes),
                      [done](std::error_code error, const auto&) { done(error); });
}

void Daemon::watch(Watched& watched) {
  const auto status = role_->status();
  watched.pipeline_age = parts_.clock.now() - std::max(status.now, started_);
  if (parts_.journal) watched.flush_overdue = parts_.journal->flushes().overdue;
  watched.takes_callbacks = parts_.ingress.has_value();
  watched.not_ready = not_ready();
  const auto troubles = find_troubles(*shown_, status);
  watched.trouble =
      troubles.empty() ? std::string() : troubles.front().part + ": " + troubles.front().what;
}

// A new sender that gets no answer is not ready either, even if those that are connected do.
std::string Daemon::not_ready() const {
  if (stopping_) return "this daemon is being stopped";
  if (parts_.ingress) {
    const auto ingress = parts_.ingress->status();
    if (!ingress.listening) return "not listening for callbacks yet";
    if (ingress.full) return "all connections that are allowed are in use";
  }
  return role_->not_ready();
}

void Daemon::look_around() {
  (void)find_parts(*shown_, role_->status());
  if (const auto instance = role_->instance_status()) {
    if (const auto line = silence_.look(*instance, describe(options_.store))) {
      parts_.log(line->first, line->second);
    }
  }
  parts_.clock.call_at(parts_.clock.now() + std::chrono::seconds(1), [this] { look_around(); });
}

}  // namespace postofficed
