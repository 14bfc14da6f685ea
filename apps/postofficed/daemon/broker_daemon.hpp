// serve, worker, and run with a broker: the parts of a daemon whose callbacks go through RabbitMQ.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "daemon/passed_sockets.hpp"
#include "daemon/publishing.hpp"
#include "daemon/service.hpp"
#include "daemon/working.hpp"
#include "options/options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/http_server.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"

namespace postofficed {

/// Options::command says which halves it has: serve publishes, worker works, run does both.
class BrokerDaemon final : public Service {
 public:
  BrokerDaemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log);
  ~BrokerDaemon() override;
  BrokerDaemon(const BrokerDaemon&) = delete;
  BrokerDaemon& operator=(const BrokerDaemon&) = delete;

  Failure start() override;

  bool use_credentials(const StoreLocation& store) override;
  bool use_credentials(const QueueLocation& queue) override;

  /// First what was taken out of the queues, while callbacks are still accepted; then the ingress.
  void stop(std::function<void()> done) override;

 private:
  Failure build();
  Failure start_admin();
  Failure start_work();
  void show_movement();
  std::string not_ready() const;
  BrokerStatus broker_status() const;
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const;
  postoffice::PipelineStatus pipeline_status() const;
  void info(const std::string& message) const { log_(postoffice::LogLevel::info, message); }

  const ParsedOptions parsed_;
  const Options& options_;
  PassedSockets sockets_;
  postoffice::Log log_;

  postoffice::EventLoop loop_;
  postoffice::EventLoop admin_loop_;  // its own, so that pages answer whatever the others do
  postoffice::SystemClock clock_;
  std::unique_ptr<postoffice::ReadableObjectStore> store_;  // for the pages; migrates
  std::atomic<postoffice::Timestamp> moved_at_{};
  std::optional<Publishing> publishing_;
  std::optional<Working> working_;
  std::optional<postoffice::HttpServer> admin_;
};

}  // namespace postofficed
