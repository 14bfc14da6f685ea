// The connections of one event loop: timeouts, and the end of each batch.
#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <system_error>
#include <vector>

#include "http/server/acceptors.hpp"
#include "http/server/connection.hpp"
#include "http/server/connection_context.hpp"
#include "http/server/service.hpp"
#include "net/listening_socket.hpp"
#include "net/poller.hpp"
#include "postoffice/log.hpp"

namespace postoffice::http {

/// Threads: everything but the constructor runs on the io_context's thread. `service` must live
/// until closed() or the loop's destruction.
class ServerLoop : public std::enable_shared_from_this<ServerLoop> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  ServerLoop(asio::io_context& context, Service& service, const ServerLimits& limits,
             std::shared_ptr<ServerTotals> totals, Log log);
  ~ServerLoop();
  ServerLoop(const ServerLoop&) = delete;
  ServerLoop& operator=(const ServerLoop&) = delete;

  std::error_code start(std::vector<net::ListeningSocket> sockets);

  /// Accepts no more. Accepted connections are read and answered: one without a request has
  /// `stop_idle` for its next one. Calls `done` when the last connection has closed.
  void stop(std::function<void()> done);
  /// Ends everything now. Exchanges are released unanswered.
  void close();

  /// Sends the answers that the service has ready; for those made ready outside of a batch.
  void run_batch();

 private:
  void adopt(int socket);
  void schedule_tick();
  void tick();
  void run_batch(net::PollBatch& batch);
  void finish_batch();
  void delete_closed();
  void report_stopped();
  void update_now() { shared_.now = std::chrono::steady_clock::now(); }

  const ServerLimits limits_;
  const std::shared_ptr<ServerTotals> totals_;
  const std::chrono::milliseconds deadline_period_;
  net::Poller poller_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer_;
  ConnectionContext shared_;
  Acceptors acceptors_;
  std::vector<Connection*> connections_;
  std::vector<Connection*> flushing_;
  Time deadlines_checked_;
  bool ticking_ = false;
  bool stopping_ = false;
  bool closed_ = false;
  std::function<void()> stopped_;
};

}  // namespace postoffice::http
