#include "http/server/http_server.hpp"

#include <asio/post.hpp>
#include <utility>

#include "http/server/page_service.hpp"
#include "http/server/server_loop.hpp"
#include "net/listening_socket.hpp"
#include "net/loop_impl.hpp"

namespace postoffice {
namespace {

http::ServerLimits server_limits(const HttpServerOptions& options) {
  http::ServerLimits limits;
  limits.request.body_max = options.body_bytes_max;
  limits.connections_max = options.connections_max;
  limits.unanswered_max = 1;
  limits.idle_timeout = options.idle_timeout;
  limits.header_timeout = options.request_timeout;
  limits.body_timeout = options.request_timeout;
  limits.request_timeout = options.request_timeout;
  return limits;
}

}  // namespace

// Tasks on the loop hold it, so it lives until the loop has closed its connections.
class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(EventLoop& loop, HttpServerOptions options, Handler handler, Log log)
      : options_(std::move(options)),
        log_(std::move(log)),
        totals_(std::make_shared<http::ServerTotals>()),
        gate_(std::make_shared<http::ResponseGate>(context_of(loop))),
        service_(std::move(handler), gate_),
        loop_(std::make_shared<http::ServerLoop>(context_of(loop), service_,
                                                 server_limits(options_), totals_, log_)) {
    service_.set_loop(*loop_);
    for (const int socket : options_.sockets) given_.emplace_back(socket);
    if (given_.empty()) where_ = net::where_to_listen(options_.listen);
  }

  // A wait of the loop may outlive this object; the connections may not, since they use the
  // service.
  ~Impl() { loop_->close(); }

  std::error_code start() {
    std::vector<std::vector<net::ListeningSocket>> sockets;
    const auto error = given_.empty() ? net::listen_on(where_, 1, log_, sockets)
                                      : net::share_sockets(std::move(given_), 1, sockets);
    if (error) return error;
    port_ = net::port_of(sockets.front().front());
    auto shared = std::make_shared<std::vector<net::ListeningSocket>>(std::move(sockets.front()));
    gate_->post([self = shared_from_this(), shared] {
      const auto failed = self->loop_->start(std::move(*shared));
      if (failed && self->log_) self->log_(LogLevel::error, "cannot listen: " + failed.message());
    });
    return {};
  }

  void stop() {
    gate_->post([self = shared_from_this()] { self->loop_->close(); });
    gate_->close();
  }

  std::uint16_t port() const { return port_; }
  HttpServerStatus status() const {
    return {totals_->connections.load(), options_.connections_max};
  }

 private:
  HttpServerOptions options_;
  Log log_;
  std::shared_ptr<http::ServerTotals> totals_;
  std::shared_ptr<http::ResponseGate> gate_;
  http::PageService service_;
  std::shared_ptr<http::ServerLoop> loop_;
  std::vector<net::ListeningSocket> given_;
  HostPort where_;
  std::uint16_t port_ = 0;
};

HttpServer::HttpServer(EventLoop& loop, HttpServerOptions options, Handler handler, Log log)
    : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(handler),
                                   log_in_background(std::move(log)))) {}

HttpServer::~HttpServer() { impl_->stop(); }

std::error_code HttpServer::start() { return impl_->start(); }

void HttpServer::stop() { impl_->stop(); }

std::uint16_t HttpServer::port() const { return impl_->port(); }

HttpServerStatus HttpServer::status() const { return impl_->status(); }

}  // namespace postoffice
