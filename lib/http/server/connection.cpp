// What comes and goes on a connection, and when it ends. What the bytes mean is in
// connection_requests.cpp.
#include "http/server/connection.hpp"

#include <sys/epoll.h>

#include <utility>

namespace postoffice::http {
namespace {

// After these, other connections have their turn, and the kernel is asked for another event.
constexpr int reads_per_event_max = 4;

}  // namespace

Connection::Connection(ConnectionContext& context, int socket)
    : context_(context),
      socket_(socket, context.poller, *this),
      phase_(context.now),
      input_(context.limits, context.totals, context.recent_heads),
      responses_(context) {}

// --- Reading ---------------------------------------------------------------------------------

void Connection::on_events(std::uint32_t events) {
  if (phase_.is(Phase::closed)) return;
  if ((events & EPOLLERR) != 0 && !phase_.is(Phase::lingering)) return close();
  if ((events & EPOLLOUT) != 0) want_flush();
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0 && may_read()) {
    return read_all((events & EPOLLRDHUP) != 0);
  }
  if ((events & EPOLLHUP) != 0) close();  // No client is left to read a response.
}

void Connection::read_all(bool to_the_end) {
  for (int i = 0; i < reads_per_event_max; ++i) {
    const Read read = read_some();
    const bool more = read == Read::filled || (read == Read::short_of_it && to_the_end);
    if (!more || !may_read()) return;
  }
  socket_.read_on_later();
}

Connection::Read Connection::read_some() {
  const bool lingers = phase_.is(Phase::lingering);
  std::string_view bytes;
  const auto read = socket_.read(context_.buffer, bytes);
  if (read == ClientSocket::Read::nothing) return Read::nothing;
  if (read != ClientSocket::Read::bytes) {
    read == ClientSocket::Read::end && !lingers ? on_end_of_input() : close();
    return Read::nothing;
  }
  lingers ? drop(bytes) : receive(bytes);
  return bytes.size() == context_.buffer.size() ? Read::filled : Read::short_of_it;
}

void Connection::receive(std::string_view bytes) {
  if (!input_.keeps_any()) {
    const std::size_t used = process(bytes);
    if (used < bytes.size()) keep(bytes.substr(used));
  } else {
    keep(bytes);
    if (!stop_reading_) process_kept();
  }
  if (input_.keeps_any() && !stop_reading_) socket_.acknowledge_at_once();
  advance_phase();
  update_interest();
}

void Connection::drop(std::string_view bytes) {
  dropped_ += bytes.size();
  if (dropped_ > context_.limits.linger_bytes_max) close();
}

void Connection::on_end_of_input() {
  input_ended_ = true;
  if (!stop_reading_ && phase_.in_request()) {
    return refuse(400, "the input ended inside a request");
  }
  want_flush();
  update_interest();
}

// --- Writing ---------------------------------------------------------------------------------

void Connection::answer(Exchange& exchange) {
  responses_.answer(exchange);
  want_flush();
}

void Connection::want_flush() {
  if (std::exchange(flush_wanted_, true)) return;
  context_.to_flush.push_back(this);
}

void Connection::flush() {
  flush_wanted_ = false;
  if (phase_.is(Phase::closed) || phase_.is(Phase::lingering)) return;
  if (responses_.send(socket_.descriptor()) == ResponseQueue::Send::failed) return close();
  if (responses_.all_sent() && responses_.all_answered()) {
    if (stop_reading_ || input_ended_) return begin_linger();
    if (phase_.is(Phase::idle)) phase_.enter(Phase::idle, context_.now);
  }
  if (held_back_ && !is_full()) {
    process_kept();
    advance_phase();
  }
  update_interest();
}

// --- The phases ------------------------------------------------------------------------------

// Called after new bytes were processed: updates whether a request has begun, or is in its body.
void Connection::advance_phase() {
  if (phase_.is(Phase::closed) || !input_.keeps_any() || stop_reading_) return;
  if (phase_.is(Phase::idle)) phase_.enter(Phase::head, context_.now);
  if (phase_.is(Phase::head) && input_.reader().in_body()) {
    phase_.enter(Phase::body, context_.now);
  }
}

// Closing a socket with unread input resets the connection, and the client may never see the
// response. So only the sending half is closed first, and further input is read and dropped.
void Connection::begin_linger() {
  if (input_ended_) return close();
  input_.drop_kept();
  socket_.end_output();
  phase_.enter(Phase::lingering, context_.now);
  update_interest();
}

void Connection::check_deadline(Time now) {
  if (!phase_.is(Phase::lingering)) {
    if (!responses_.all_sent()) {
      if (now - responses_.progress() > context_.limits.send_timeout) close();
      return;
    }
    // While the client waits for this side, it is not late.
    if (stop_reading_ || held_back_) return;
    if (phase_.is(Phase::idle) && !responses_.all_answered()) return;
  }
  const auto [late, status, detail] = phase_.verdict(now, context_.limits);
  if (!late) return;
  if (status == 0) return close();
  refuse(status, detail);
}

void Connection::begin_stop() {
  phase_.stop(context_.now);
  // Requests that the client sent before it could know of the stop are still taken. A connection
  // used or opened just now stays for one more request, whose answer announces the close.
  if (may_read() && !phase_.is(Phase::lingering)) read_all(false);
  check_deadline(context_.now);
}

void Connection::close() {
  if (phase_.is(Phase::closed)) return;
  phase_.enter(Phase::closed, context_.now);
  input_.drop_kept();
  responses_.abandon();
  socket_.close();
  context_.totals.connections.fetch_sub(1);
  context_.closed.push_back(this);
}

// --- What is waited for ----------------------------------------------------------------------

bool Connection::is_full() const {
  return responses_.unanswered() >= context_.limits.unanswered_max;
}

bool Connection::may_read() const {
  if (phase_.is(Phase::closed)) return false;
  if (phase_.is(Phase::lingering)) return true;
  return !stop_reading_ && !input_ended_ && !held_back_ && !is_full() &&
         responses_.unsent() < context_.limits.unsent_bytes_max;
}

void Connection::update_interest() {
  if (phase_.is(Phase::closed)) return;
  // Before the first attempt to send there is nothing to wait for.
  const bool sending = !responses_.all_sent() && !flush_wanted_;
  socket_.wait_for(may_read(), sending && !phase_.is(Phase::lingering));
}

}  // namespace postoffice::http
