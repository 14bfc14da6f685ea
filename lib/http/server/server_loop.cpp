#include "http/server/server_loop.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace postoffice::http {
namespace {

constexpr std::size_t buffer_size = 64 * 1024;
constexpr int accepts_per_event_max = 64;
constexpr std::size_t spare_buffers_max = 256;
constexpr std::size_t spare_capacity_max = 16 * 1024;

// How often deadlines are looked at: often enough to be met within a quarter.
std::chrono::milliseconds deadline_period(const ServerLimits& limits) {
  const auto shortest =
      std::min({limits.idle_timeout, limits.header_timeout, limits.body_timeout,
                limits.request_timeout, limits.send_timeout, limits.linger_timeout});
  return std::max(limits.tick, shortest / 4);
}

}  // namespace

class ServerLoop::Acceptor final : public net::Pollable {
 public:
  Acceptor(ServerLoop& loop, net::ListeningSocket socket)
      : loop_(loop), socket_(std::move(socket)) {}
  void on_events(std::uint32_t) override { loop_.accept_from(*this); }
  int descriptor() const { return socket_.descriptor(); }
  bool outlives_us() const { return socket_.outlives_us(); }

 private:
  ServerLoop& loop_;
  net::ListeningSocket socket_;
};

namespace {

// Some clients (Node's fetch) drop a connection after a few seconds unless they are told.
std::string keep_alive_field(const ServerLimits& limits) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limits.idle_timeout).count();
  if (seconds == 0) return {};
  return "Keep-Alive: timeout=" + std::to_string(seconds) + "\r\n";
}

}  // namespace

ServerLoop::ServerLoop(asio::io_context& context, Service& service, const ServerLimits& limits,
                       std::shared_ptr<ServerTotals> totals, Log log)
    : service_(service),
      limits_(limits),
      totals_(std::move(totals)),
      log_(std::move(log)),
      deadline_period_(deadline_period(limits)),
      poller_(context, [this](net::PollBatch& batch) { run_batch(batch); }),
      timer_(context),
      buffer_(buffer_size),
      keep_alive_(keep_alive_field(limits)),
      now_(std::chrono::steady_clock::now()) {}

ServerLoop::~ServerLoop() { close(); }

std::error_code ServerLoop::start(std::vector<net::ListeningSocket> sockets) {
  if (const auto error = poller_.start(weak_from_this())) return error;
  for (net::ListeningSocket& socket : sockets) {
    const int on = 1;  // Accepted sockets inherit it.
    ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    acceptors_.push_back(std::make_unique<Acceptor>(*this, std::move(socket)));
    Acceptor& acceptor = *acceptors_.back();
    // Exclusive: sockets from outside are shared by the loops, and one of them is enough.
    if (const auto error = poller_.add(acceptor.descriptor(), EPOLLIN | EPOLLEXCLUSIVE, acceptor)) {
      return error;
    }
  }
  return {};
}

// True if there may be more.
bool ServerLoop::accept_from(Acceptor& acceptor) {
  for (int i = 0; i < accepts_per_event_max && !stopped_accepting(); ++i) {
    if (totals_->connections.fetch_add(1) >= limits_.connections_max) {
      totals_->connections.fetch_sub(1);
      pause_accepting("there are as many connections as allowed");
      return false;
    }
    const int socket =
        ::accept4(acceptor.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      take(socket);
      continue;
    }
    const int error = errno;
    totals_->connections.fetch_sub(1);
    if (error == ECONNABORTED || error == EINTR || error == EPROTO) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return false;
    pause_accepting("cannot accept connections: " +
                    std::error_code(error, std::system_category()).message());
  }
  return !stopped_accepting();
}

void ServerLoop::take(int socket) {
  auto connection = std::make_unique<Connection>(*this, socket);
  if (poller_.add(socket, connection->interest(), *connection)) {
    ::close(socket);
    totals_->connections.fetch_sub(1);
    return;
  }
  connection->position = connections_.size();
  connections_.push_back(connection.release());
  schedule_tick();
}

// A listening socket that is ready but not accepted from would wake the loop again and again.
void ServerLoop::pause_accepting(const std::string& why) {
  if (log_ && now_ - pause_logged_ > std::chrono::seconds(10)) {
    pause_logged_ = now_;
    log_(LogLevel::warning, why);
  }
  accepting_paused_ = true;
  for (const auto& acceptor : acceptors_) poller_.remove(acceptor->descriptor());
  schedule_tick();
}

void ServerLoop::resume_accepting() {
  if (!accepting_paused_ || totals_->connections.load() >= limits_.connections_max) return;
  accepting_paused_ = false;
  for (const auto& acceptor : acceptors_) {
    if (poller_.add(acceptor->descriptor(), EPOLLIN | EPOLLEXCLUSIVE, *acceptor)) {
      accepting_paused_ = true;
    }
  }
}

void ServerLoop::schedule_tick() {
  if (ticking_ || closed_) return;
  ticking_ = true;
  timer_.expires_after(limits_.tick);
  timer_.async_wait([this, alive = shared_from_this()](std::error_code error) {
    ticking_ = false;
    if (!error && !closed_) tick();
  });
}

void ServerLoop::tick() {
  update_now();
  service_.tick(now_);
  if (stopping_ || now_ - deadlines_checked_ >= deadline_period_) {
    deadlines_checked_ = now_;
    // The one that ends gives its place to the last, which has been looked at already.
    for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->check_deadline(now_);
  }
  resume_accepting();
  finish_batch();
  if (!connections_.empty() || accepting_paused_) schedule_tick();
}

void ServerLoop::want_flush(Connection& connection) {
  if (connection.flush_wanted) return;
  connection.flush_wanted = true;
  to_flush_.push_back(&connection);
}

void ServerLoop::lend_buffer(std::string& to) {
  if (spare_buffers_.empty()) return;
  to.swap(spare_buffers_.back());
  spare_buffers_.pop_back();
}

void ServerLoop::take_back(std::string& from) {
  from.clear();
  const bool allocated = from.capacity() > std::string().capacity();
  if (!allocated) return;
  if (spare_buffers_.size() < spare_buffers_max && from.capacity() <= spare_capacity_max) {
    spare_buffers_.push_back(std::move(from));
  }
  from = std::string();
}

void ServerLoop::bury(Connection& connection) {
  connections_[connection.position] = connections_.back();
  connections_[connection.position]->position = connection.position;
  connections_.pop_back();
  totals_->connections.fetch_sub(1);
  dead_.push_back(&connection);
}

void ServerLoop::run_batch() {
  if (closed_) return;
  update_now();
  finish_batch();
}

void ServerLoop::run_batch(net::PollBatch& batch) {
  update_now();
  batch.dispatch();
  finish_batch();
}

void ServerLoop::finish_batch() {
  // Flushing may let further requests be taken, whose answers are sent in the next round.
  while (true) {
    service_.batch_done();
    if (to_flush_.empty()) break;
    flushing_.swap(to_flush_);
    for (Connection* connection : flushing_) connection->flush();
    flushing_.clear();
  }
  for (Connection* connection : dead_) delete connection;
  dead_.clear();
  if (stopping_ && connections_.empty()) report_stopped();
}

void ServerLoop::stop(std::function<void()> done) {
  update_now();
  stopped_ = std::move(done);
  // Connections that are established but not accepted may carry callbacks: with a socket of our own
  // they end with it, a socket from outside keeps them for the next process.
  for (const auto& acceptor : acceptors_) {
    while (!acceptor->outlives_us() && accept_from(*acceptor)) {
    }
  }
  stopping_ = true;
  for (const auto& acceptor : acceptors_) poller_.remove(acceptor->descriptor());
  acceptors_.clear();
  accepting_paused_ = false;
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->begin_stop();
  finish_batch();
}

void ServerLoop::report_stopped() {
  if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
}

void ServerLoop::close() {
  if (std::exchange(closed_, true)) return;
  acceptors_.clear();
  while (!connections_.empty()) connections_.back()->close();
  to_flush_.clear();
  for (Connection* connection : dead_) delete connection;
  dead_.clear();
  timer_.cancel();
  poller_.stop();
  report_stopped();
}

}  // namespace postoffice::http
