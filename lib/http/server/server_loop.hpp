// The connections of one event loop: accepting, timeouts, and the end of each batch.
#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "http/server/connection.hpp"
#include "http/server/recent_heads.hpp"
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

  /// Accepts no more. Who was accepted is read and answered: a connection without a request has
  /// `stop_idle` for its next one. `done` when the last connection is gone.
  void stop(std::function<void()> done);
  /// Ends everything now. Exchanges are released unanswered.
  void close();

  /// Answers what the service has ready; for whoever makes it ready outside of a batch.
  void run_batch();

  // For the connections.
  Service& service() { return service_; }
  const ServerLimits& limits() const { return limits_; }
  ServerTotals& totals() { return *totals_; }
  net::Poller& poller() { return poller_; }
  std::span<char> buffer() { return buffer_; }
  RecentHeads& recent_heads() { return recent_heads_; }
  Time now() const { return now_; }
  std::string_view date() { return date_.text(now_); }
  std::string_view keep_alive() const { return keep_alive_; }
  bool stopping() const { return stopping_; }
  void want_flush(Connection& connection);
  /// Send buffers: only connections with something to send have one, the others share the spares.
  void lend_buffer(std::string& to);
  void take_back(std::string& from);
  void bury(Connection& connection);

 private:
  class Acceptor;

  bool accept_from(Acceptor& acceptor);
  void take(int socket);
  bool stopped_accepting() const { return accepting_paused_ || stopping_; }
  void pause_accepting(const std::string& why);
  void resume_accepting();
  void schedule_tick();
  void tick();
  void run_batch(net::PollBatch& batch);
  void finish_batch();
  void report_stopped();
  void update_now() { now_ = std::chrono::steady_clock::now(); }

  Service& service_;
  const ServerLimits limits_;
  const std::shared_ptr<ServerTotals> totals_;
  const Log log_;
  const std::chrono::milliseconds deadline_period_;
  net::Poller poller_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer_;
  std::vector<char> buffer_;
  RecentHeads recent_heads_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<Connection*> connections_;
  std::vector<Connection*> to_flush_;
  std::vector<Connection*> flushing_;
  std::vector<Connection*> dead_;
  std::vector<std::string> spare_buffers_;
  DateField date_;
  const std::string keep_alive_;
  Time now_;
  Time deadlines_checked_;
  Time pause_logged_;
  bool ticking_ = false;
  bool accepting_paused_ = false;
  bool stopping_ = false;
  bool closed_ = false;
  std::function<void()> stopped_;
};

}  // namespace postoffice::http
