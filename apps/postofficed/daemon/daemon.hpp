// A running daemon: its parts, its pages, and the role it has.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/neighbours.hpp"
#include "daemon/passed_sockets.hpp"
#include "daemon/role.hpp"
#include "exit_code.hpp"
#include "http/server/http_server.hpp"
#include "options/options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// What runs until it is told to stop: run, serve, worker.
class Daemon {
 public:
  /// With options that have been checked.
  Daemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the queue, answers on the admin listener, accepts callbacks: in this order. Only the
  /// journal, the configuration and the listening sockets can make it fail.
  Failure start();

  /// Connects as somebody else from the next time on, and at once where there is no connection.
  /// False if that is another place, not other credentials: then nothing happens. Any thread,
  /// after start().
  bool use_credentials(const StoreLocation& store);
  bool use_credentials(const QueueLocation& queue) { return role_->use_credentials(queue); }

  /// Drains (S10). `done` comes once, from any thread.
  void stop(std::function<void()> done) { role_->stop(std::move(done)); }

 private:
  Failure open();
  Failure start_admin();
  Failure start_role();
  Shown shown();
  std::string not_ready() const;
  void look_around();
  void info(const std::string& message) const { parts_.log(postoffice::LogLevel::info, message); }

  const ParsedOptions parsed_;
  const Options& options_;
  DaemonParts parts_;
  std::unique_ptr<Role> role_;
  SilenceReport silence_;             // on the loop
  postoffice::EventLoop admin_loop_;  // its own, so that pages answer whatever the others do
  std::optional<postoffice::HttpServer> admin_;
};

}  // namespace postofficed
