#include "postoffice/defaults/http_ingress.hpp"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cassert>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/gate.hpp"
#include "base/thread.hpp"
#include "http/server/callback_service.hpp"
#include "http/server/server_loop.hpp"
#include "net/listening_socket.hpp"
#include "postoffice/error.hpp"

namespace postoffice {
namespace {

using http::CallbackLimits;
using http::CallbackService;
using http::ServerLimits;
using http::ServerLoop;
using http::ServerTotals;
using net::ListeningSocket;
using std::chrono::milliseconds;

ServerLimits server_limits(const HttpIngressOptions& options) {
  ServerLimits limits;
  limits.request.body_max = options.body_bytes_max;
  limits.connections_max = options.connections_max;
  // Fine enough for a sender with a timeout of 1 s to receive the 503 of 0.8 s.
  limits.tick = std::clamp(options.accept_timeout / 16, milliseconds(5), milliseconds(50));
  limits.idle_timeout = options.idle_timeout;
  limits.header_timeout = options.header_timeout;
  limits.body_timeout = options.body_timeout;
  limits.request_timeout = options.header_timeout + options.body_timeout;
  return limits;
}

CallbackLimits callback_limits(const HttpIngressOptions& options) {
  CallbackLimits limits;
  limits.path = options.path;
  limits.ids_max = options.ids_max;
  limits.accept_timeout = options.accept_timeout;
  limits.not_ready = options.not_ready;
  limits.why_not = options.why_not;
  return limits;
}

// One thread with its loop. The thread holds a reference to its Worker, so that the ingress may be
// destroyed on it. The worker is inside the ingress's gate from run() until its loop has ended.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(const HttpIngressOptions& options, const Ingress::Accept& accept, Gate& gate,
         std::shared_ptr<ServerTotals> totals, const Log& log)
      : gate_(gate),
        context_(1),
        work_(context_.get_executor()),
        service_(callback_limits(options), accept,
                 [this] { asio::post(context_, [this] { loop_->run_batch(); }); }),
        loop_(std::make_shared<ServerLoop>(context_, service_, server_limits(options),
                                           std::move(totals), log)) {}

  std::error_code open(std::vector<ListeningSocket> sockets) {
    return loop_->start(std::move(sockets));
  }

  void run() {
    inside_ = gate_.enter();
    assert(inside_);
    thread_ = std::thread([self = shared_from_this()] {
      name_this_thread("ingress");
      self->service_.set_loop_thread(std::this_thread::get_id());
      self->context_.run();
    });
  }

  void stop() {
    asio::post(context_, [this] { loop_->stop([this] { leave(); }); });
  }

  /// When it returns no handler runs or will run; on the worker's own thread it is called inside a
  /// handler.
  void end() {
    asio::post(context_, [this] {
      loop_->close();
      leave();
      work_.reset();
    });
    if (!thread_.joinable()) return;
    if (thread_.get_id() == std::this_thread::get_id()) {
      service_.call_nobody();
      leave();
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  const http::ResponseCounts& counts() const { return service_.counts(); }
  Histogram durations() const { return service_.durations(); }

 private:
  // The completion that the gate was closed with may destroy the ingress.
  void leave() {
    if (std::exchange(inside_, false)) gate_.leave();
  }

  Gate& gate_;
  bool inside_ = false;  // only for the thread, once it runs
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  CallbackService service_;
  std::shared_ptr<ServerLoop> loop_;
  std::thread thread_;
};

}  // namespace

class HttpIngress::Impl {
 public:
  Impl(HttpIngressOptions options, Log log)
      : options_(std::move(options)),
        log_(std::move(log)),
        totals_(std::make_shared<ServerTotals>()) {
    for (const int socket : options_.sockets) given_.emplace_back(socket);
    if (given_.empty()) where_ = net::where_to_listen(options_.listen);
    if (options_.threads == 0) throw std::invalid_argument("an ingress needs at least one thread");
    if (!options_.path.starts_with('/'))
      throw std::invalid_argument("the path must begin with a slash");
  }

  ~Impl() {
    for (const auto& worker : workers_) worker->end();
  }

  std::error_code start(const Accept& accept) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Error::stopped;
    std::vector<std::vector<ListeningSocket>> sockets;
    const auto error = given_.empty()
                           ? net::listen_on(where_, options_.threads, log_, sockets)
                           : net::share_sockets(std::move(given_), options_.threads, sockets);
    if (error) return error;
    port_ = net::port_of(sockets.front().front());
    std::vector<std::shared_ptr<Worker>> workers;
    for (auto& group : sockets) {
      workers.push_back(std::make_shared<Worker>(options_, accept, gate_, totals_, log_));
      if (const auto failed = workers.back()->open(std::move(group))) return failed;
    }
    workers_ = std::move(workers);
    for (const auto& worker : workers_) worker->run();
    started_.store(true, std::memory_order_release);
    return {};
  }

  void stop(StopDone done) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopped_.exchange(true)) {
        for (const auto& worker : workers_) worker->stop();
      }
    }
    gate_.close(done ? std::move(done) : [] {});
  }

  std::uint16_t port() const { return port_; }

  HttpIngressStatus status() const {
    HttpIngressStatus status;
    status.connections_max = options_.connections_max;
    for (const auto& [code, reason] : http::reply_kinds) {
      status.responses.push_back({code, reason, 0});
    }
    // Another thread may be inside start(); until that returns, only it may use the workers.
    if (!started_.load(std::memory_order_acquire)) return status;
    status.listening = !stopped_;
    status.connections = totals_->connections.load();
    status.connections_max = options_.connections_max;
    status.full = totals_->paused.load() > 0 || status.connections >= status.connections_max;
    for (const auto& worker : workers_) {
      status.durations += worker->durations();
      for (std::size_t i = 0; i < status.responses.size(); ++i) {
        status.responses[i].count += worker->counts().of(static_cast<http::Reply>(i));
      }
    }
    for (const auto& [code, reason, count] : status.responses) {
      (code == 202   ? status.accepted
       : code == 400 ? status.malformed
       : code == 503 ? status.refused
                     : status.other) += count;
    }
    return status;
  }

 private:
  HttpIngressOptions options_;
  Log log_;
  std::shared_ptr<ServerTotals> totals_;
  std::vector<ListeningSocket> given_;
  HostPort where_;
  std::uint16_t port_ = 0;
  Gate gate_;  // inside are the workers whose loops have not ended
  std::vector<std::shared_ptr<Worker>> workers_;  // constant once started
  std::mutex mutex_;                              // guards start() and stop()
  std::atomic<bool> started_{false};
  std::atomic<bool> stopped_{false};
};

HttpIngress::HttpIngress(HttpIngressOptions options, Log log)
    : impl_(std::make_shared<Impl>(std::move(options), log_in_background(std::move(log)))) {}

HttpIngress::~HttpIngress() = default;

std::error_code HttpIngress::start(Accept accept) { return impl_->start(accept); }

void HttpIngress::stop(StopDone done) { impl_->stop(std::move(done)); }

std::uint16_t HttpIngress::port() const { return impl_->port(); }

HttpIngressStatus HttpIngress::status() const { return impl_->status(); }

}  // namespace postoffice
