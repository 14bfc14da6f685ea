// A running daemon: its parts, its pages, and its role.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "admin/health/watch.hpp"
#include "admin/history/recorder.hpp"
#include "admin/instance_list.hpp"
#include "admin/store_census.hpp"
#include "daemon/admin_access.hpp"
#include "daemon/neighbours.hpp"
#include "daemon/passed_sockets.hpp"
#include "daemon/role.hpp"
#include "daemon/service_report.hpp"
#include "exit_code.hpp"
#include "http/server/http_server.hpp"
#include "options/options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// Implements the commands that run until they are stopped: run, serve, worker.
class Daemon {
 public:
  /// With options that have been checked.
  Daemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the queue, starts the admin listener, then accepts callbacks, in this order. Only the
  /// journal, the configuration and the listening sockets can make it fail.
  Failure start();

  /// Uses other credentials from the next connection on; connects at once if there is none. Returns
  /// false and does nothing if more than the credentials differs. Any thread, after start().
  bool use_credentials(const StoreLocation& store);
  bool use_credentials(const QueueLocation& queue) { return role_->use_credentials(queue); }

  /// Says that it is not ready, so that load balancers send callbacks elsewhere; drains (S10) when
  /// they have had --drain-delay to notice. Callbacks are accepted all the while. `done` is called
  /// once, on any thread.
  void stop(std::function<void()> done);

  /// Reads the token of the admin listener again. Any thread, after start().
  Failure reload_admin_token() { return admin_access_->reload(); }

  /// How it does, for a service manager. Any thread, after start().
  void watch(Watched& watched);

  /// Uses those of `running` that may change while it runs (Specification::reloads), and shows all
  /// of them. Any thread, after start().
  void change(const ParsedOptions& running);

  /// How many connections to the source there may be until the next start.
  std::size_t fetches_max() const { return parts_.shares.fetches; }

 private:
  Failure open();
  Failure start_admin();
  Failure start_role();
  Shown shown();
  ChangeLetters bounded(ChangeLetters change);
  void drop_dead_letters(std::vector<postoffice::ObjectId> ids, const ChangeDone& done);
  std::string not_ready() const;
  void look_around();
  void drain(std::function<void()> done);
  void info(const std::string& message) const { parts_.log(postoffice::LogLevel::info, message); }

  const Options options_;
  ShownOptions shown_options_;  // change with a reload; options_ never does
  DaemonParts parts_;
  std::unique_ptr<Role> role_;
  std::atomic<bool> stopping_{false};
  HealthWatch health_;
  std::optional<Shown> shown_;  // what the watches look at; does not change once started
  SilenceReport silence_;       // on the loop
  std::optional<AdminAccess> admin_access_;
  postoffice::Timestamp started_{};  // the role
  std::optional<StoreCensus> census_;
  postoffice::EventLoop admin_loop_;  // separate, so that pages answer whatever the other loops do
  postoffice::SystemClock admin_clock_{admin_loop_};
  std::optional<InstanceList> instances_;
  std::optional<Recorder> recorder_;
  std::optional<postoffice::HttpServer> admin_;
};

}  // namespace postofficed
