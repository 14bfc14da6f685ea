#include "http/server/server_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace postoffice::http {
namespace {

// How often deadlines are checked: often enough to meet each within a quarter of its span.
std::chrono::milliseconds deadline_period(const ServerLimits& limits) {
  const auto shortest =
      std::min({limits.idle_timeout, limits.header_timeout, limits.body_timeout,
                limits.request_timeout, limits.send_timeout, limits.linger_timeout});
  return std::max(limits.tick, shortest / 4);
}

// Some clients (Node's fetch) drop a connection after a few seconds without this field.
std::string keep_alive_field(const ServerLimits& limits) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limits.idle_timeout).count();
  if (seconds == 0) return {};
  return "Keep-Alive: timeout=" + std::to_string(seconds) + "\r\n";
}

}  // namespace

ServerLoop::ServerLoop(asio::io_context& context, Service& service, const ServerLimits& limits,
                       std::shared_ptr<ServerTotals> totals, Log log)
    : limits_(limits),
      totals_(std::move(totals)),
      deadline_period_(deadline_period(limits)),
      poller_(context, [this](net::PollBatch& batch) { run_batch(batch); }),
      timer_(context),
      shared_{.service = service,
              .limits = limits_,
              .totals = *totals_,
              .poller = poller_,
              .keep_alive = keep_alive_field(limits),
              .now = std::chrono::steady_clock::now()},
      acceptors_(
          shared_, [this](int socket) { adopt(socket); }, std::move(log)) {}

ServerLoop::~ServerLoop() { close(); }

std::error_code ServerLoop::start(std::vector<net::ListeningSocket> sockets) {
  if (const auto error = poller_.start(weak_from_this())) return error;
  return acceptors_.start(std::move(sockets));
}

void ServerLoop::adopt(int socket) {
  auto connection = std::make_unique<Connection>(shared_, socket);
  if (poller_.add(socket, connection->interest(), *connection)) {
    ::close(socket);
    totals_->connections.fetch_sub(1);
    return;
  }
  connection->position = connections_.size();
  connections_.push_back(connection.release());
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
  shared_.service.tick(shared_.now);
  if (stopping_ || shared_.now - deadlines_checked_ >= deadline_period_) {
    deadlines_checked_ = shared_.now;
    for (Connection* connection : connections_) connection->check_deadline(shared_.now);
  }
  acceptors_.resume();
  finish_batch();
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
    shared_.service.batch_done();
    if (shared_.to_flush.empty()) break;
    flushing_.swap(shared_.to_flush);
    for (Connection* connection : flushing_) connection->flush();
    flushing_.clear();
  }
  shared_.service.batch_sent();
  delete_closed();
  if (!connections_.empty() || acceptors_.paused()) schedule_tick();
  if (stopping_ && connections_.empty()) report_stopped();
}

void ServerLoop::delete_closed() {
  for (Connection* connection : shared_.closed) {
    connections_[connection->position] = connections_.back();
    connections_[connection->position]->position = connection->position;
    connections_.pop_back();
    delete connection;
  }
  shared_.closed.clear();
}

void ServerLoop::stop(std::function<void()> done) {
  update_now();
  stopped_ = std::move(done);
  acceptors_.stop();
  stopping_ = true;
  for (Connection* connection : connections_) connection->begin_stop();
  finish_batch();
}

void ServerLoop::report_stopped() {
  if (const auto stopped = std::exchange(stopped_, nullptr)) stopped();
}

void ServerLoop::close() {
  if (std::exchange(closed_, true)) return;
  acceptors_.close();
  for (Connection* connection : connections_) connection->close();
  shared_.to_flush.clear();
  delete_closed();
  timer_.cancel();
  poller_.stop();
  report_stopped();
}

}  // namespace postoffice::http
