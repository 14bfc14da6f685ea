// The parts of a running daemon, put together.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "daemon/neighbours.hpp"
#include "daemon/passed_sockets.hpp"
#include "daemon/service.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/http_server.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/pipeline.hpp"

namespace postofficed {

class Daemon final : public Service {
 public:
  Daemon(ParsedOptions parsed, PassedSockets sockets, postoffice::Log log);
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the queue, answers on the admin listener, accepts callbacks: in this order. Only the
  /// journal and the listening sockets can make it fail.
  Failure start() override;

  bool use_credentials(const StoreLocation& store) override;
  bool use_credentials(const QueueLocation&) override { return false; }  // files ask nobody

  /// As Pipeline::stop(). `done` comes once, from any thread.
  void stop(std::function<void()> done) override;

 private:
  Failure open_queue();
  Failure build_parts();
  Failure start_admin();
  Failure join_others();
  Failure start_pipeline();
  std::string not_ready() const;
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const;
  void look_around();
  void info(const std::string& message) const { log_(postoffice::LogLevel::info, message); }

  const ParsedOptions parsed_;
  const Options& options_;
  PassedSockets sockets_;
  postoffice::Log log_;

  postoffice::EventLoop loop_;
  postoffice::EventLoop admin_loop_;  // its own, so that pages answer whatever the pipeline does
  postoffice::SystemClock clock_;
  std::unique_ptr<postoffice::FileQueue> queue_;
  std::unique_ptr<postoffice::ReadableObjectStore> store_;
  postoffice::PostgresObjectStore* shared_store_ = nullptr;  // the same, if others may use it, too
  const std::shared_ptr<std::atomic<bool>> stamped_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<postoffice::HttpObjectSource> source_;
  std::optional<postoffice::HttpIngress> ingress_;
  std::optional<GuardedIngress> guarded_;  // takes nothing while others have this one's place
  std::optional<postoffice::Pipeline> pipeline_;
  SilenceReport silence_;  // on the loop
  std::optional<postoffice::HttpServer> admin_;
};

}  // namespace postofficed
