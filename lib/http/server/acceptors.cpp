#include "http/server/acceptors.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace postoffice::http {
namespace {

constexpr int accepts_per_event_max = 64;
constexpr std::chrono::seconds between_logs{10};

}  // namespace

class Acceptors::Acceptor final : public net::Pollable {
 public:
  Acceptor(Acceptors& owner, net::ListeningSocket socket)
      : owner_(owner), socket_(std::move(socket)) {}
  void on_events(std::uint32_t) override { owner_.accept_from(*this); }
  int descriptor() const { return socket_.descriptor(); }
  bool outlives_us() const { return socket_.outlives_us(); }

 private:
  Acceptors& owner_;
  net::ListeningSocket socket_;
};

Acceptors::Acceptors(ConnectionContext& context, Adopt adopt, Log log)
    : context_(context), adopt_(std::move(adopt)), log_(std::move(log)) {}

Acceptors::~Acceptors() = default;

std::error_code Acceptors::start(std::vector<net::ListeningSocket> sockets) {
  for (net::ListeningSocket& socket : sockets) {
    const int on = 1;  // Accepted sockets inherit it.
    ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockets_.push_back(std::make_unique<Acceptor>(*this, std::move(socket)));
    if (const auto error = watch(*sockets_.back())) return error;
  }
  return {};
}

// Exclusive: sockets from outside are shared by the loops, and one of them is enough.
std::error_code Acceptors::watch(Acceptor& acceptor) {
  return context_.poller.add(acceptor.descriptor(), EPOLLIN | EPOLLEXCLUSIVE, acceptor);
}

// True if there may be more.
bool Acceptors::accept_from(Acceptor& acceptor) {
  auto& connections = context_.totals.connections;
  for (int i = 0; i < accepts_per_event_max && !paused_; ++i) {
    if (connections.fetch_add(1) >= context_.limits.connections_max) {
      connections.fetch_sub(1);
      pause("the limit of connections is reached");
      return false;
    }
    const int socket =
        ::accept4(acceptor.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      adopt_(socket);
      continue;
    }
    const int error = errno;
    connections.fetch_sub(1);
    if (error == ECONNABORTED || error == EINTR || error == EPROTO) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return false;
    pause("cannot accept connections: " + std::error_code(error, std::system_category()).message());
  }
  return !paused_;
}

// A listening socket that stays ready because nothing is accepted would wake the loop without end.
void Acceptors::pause(const std::string& why) {
  if (log_ && context_.now - pause_logged_ > between_logs) {
    pause_logged_ = context_.now;
    log_(LogLevel::warning, why);
  }
  set_paused(true);
  for (const auto& acceptor : sockets_) context_.poller.remove(acceptor->descriptor());
}

void Acceptors::resume() {
  if (!paused_ || context_.totals.connections.load() >= context_.limits.connections_max) return;
  set_paused(false);
  for (const auto& acceptor : sockets_) {
    if (watch(*acceptor)) set_paused(true);
  }
}

void Acceptors::set_paused(bool paused) {
  if (std::exchange(paused_, paused) == paused) return;
  if (paused) {
    context_.totals.paused.fetch_add(1);
  } else {
    context_.totals.paused.fetch_sub(1);
  }
}

void Acceptors::close() {
  sockets_.clear();
  set_paused(false);
}

void Acceptors::stop() {
  // Connections that are established but not accepted may carry callbacks: a socket of our own ends
  // them when it closes; a socket passed in keeps them for the next process.
  for (const auto& acceptor : sockets_) {
    while (!acceptor->outlives_us() && accept_from(*acceptor)) {
    }
  }
  for (const auto& acceptor : sockets_) context_.poller.remove(acceptor->descriptor());
  sockets_.clear();
  set_paused(false);
}

}  // namespace postoffice::http
