// Handles the small HTTP server's requests by passing them to a function.
#pragma once

#include <asio/io_context.hpp>
#include <atomic>
#include <memory>
#include <mutex>

#include "http/server/http_server.hpp"
#include "http/server/service.hpp"

namespace postoffice::http {

class PageService;
class ServerLoop;

/// One request that a handler has been given. The exchange is touched on the loop's thread only.
struct PageExchange final : Exchange {
  std::shared_ptr<PageExchange*> self;  ///< for late responses; null once it is too late
};

/// Access to a server that may be destroyed before a response comes.
class ResponseGate {
 public:
  explicit ResponseGate(asio::io_context& context) : context_(&context) {}

  /// Any thread. Dropped once closed.
  void post(std::function<void()> task);
  /// Runs `task` unless closed. close() waits for it, but not when called from within.
  void run(const std::function<void()>& task);
  void close();

 private:
  // Two locks, because a handler may wait for a thread that gives another response.
  std::recursive_mutex running_;
  std::mutex posting_;
  asio::io_context* context_;  // null once closed; changed under both
};

class PageService final : public Service {
 public:
  PageService(HttpServer::Handler handler, std::shared_ptr<ResponseGate> gate);

  /// The loop that sends later responses. Set before the first request.
  void set_loop(ServerLoop& loop) { loop_ = &loop; }

  Exchange* acquire() override { return new PageExchange; }
  void release(Exchange& exchange) override;
  bool wants_body(const Request&) override { return true; }
  void handle(Exchange& exchange, const Request& request) override;
  void refused(Reply) override {}
  void batch_done() override {}
  void batch_sent() override {}
  void tick(std::chrono::steady_clock::time_point) override {}

 private:
  static void respond(PageExchange& exchange, const HttpResponse& response);

  HttpServer::Handler handler_;
  std::shared_ptr<ResponseGate> gate_;
  ServerLoop* loop_ = nullptr;
};

}  // namespace postoffice::http
