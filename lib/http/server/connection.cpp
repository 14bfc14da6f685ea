#include "http/server/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string>
#include <utility>

namespace postoffice::http {
namespace {

// Edge-triggered: a socket that was emptied costs nothing until more arrives. So each event must be
// followed by reads until there is no more: a read that did not fill the buffer was the last
// (epoll(7), question 9), unless the client has finished sending, for that comes with no event of
// its own.
constexpr std::uint32_t reading_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

// Then it is the turn of others; the kernel is asked for another event.
constexpr int reads_per_event_max = 4;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// A client that sends head and body apart, without TCP_NODELAY, sends the body when the head has
// been acknowledged. The kernel would wait 40 ms for an answer to send that along with.
void acknowledge_at_once(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

}  // namespace

Connection::Connection(ConnectionContext& context, int socket)
    : context_(context),
      socket_(socket),
      interest_(reading_events),
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
  if ((events & EPOLLHUP) != 0) close();  // Nobody is left who could read a response.
}

void Connection::read_all(bool to_the_end) {
  for (int i = 0; i < reads_per_event_max; ++i) {
    const Read read = read_some();
    const bool more = read == Read::filled || (read == Read::short_of_it && to_the_end);
    if (!more || !may_read()) return;
  }
  context_.poller.modify(socket_, interest_, *this);
}

Connection::Read Connection::read_some() {
  const std::span<char> buffer = context_.buffer;
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count < 0 && would_block()) return Read::nothing;
  const bool lingers = phase_.is(Phase::lingering);
  if (count <= 0) {
    count == 0 && !lingers ? on_end_of_input() : close();
    return Read::nothing;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  lingers ? drop(bytes) : receive(bytes);
  return bytes.size() == buffer.size() ? Read::filled : Read::short_of_it;
}

void Connection::receive(std::string_view bytes) {
  if (!input_.keeps_any()) {
    const std::size_t used = process(bytes);
    if (used < bytes.size()) keep(bytes.substr(used));
  } else {
    keep(bytes);
    if (!stop_reading_) process_kept();
  }
  if (input_.keeps_any() && !stop_reading_) acknowledge_at_once(socket_);
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

void Connection::keep(std::string_view rest) {
  if (stop_reading_) return;
  if (!input_.keep(rest)) refuse(503, "too many requests are being received");
}

void Connection::process_kept() {
  if (!input_.keeps_any()) return;
  const std::size_t used = process(input_.kept());
  stop_reading_ ? input_.drop_kept() : input_.drop_kept(used);
}

// Takes every complete request out of `bytes`; returns how much that was.
std::size_t Connection::process(std::string_view bytes) {
  std::size_t used = 0;
  held_back_ = false;
  while (!stop_reading_ && used < bytes.size()) {
    used += input_.empty_lines(bytes.substr(used));
    if (used == bytes.size()) break;
    held_back_ = is_full();
    if (held_back_ || !process_one(bytes.substr(used), used)) break;
    phase_.enter(Phase::idle, context_.now);
  }
  // An empty line came in two pieces.
  if (used == bytes.size() && phase_.is(Phase::head)) phase_.take_back_head();
  return used;
}

bool Connection::process_one(std::string_view bytes, std::size_t& used) {
  const RequestReader& reader = input_.reader();
  switch (input_.read(bytes)) {
    case RequestReader::Step::more: return false;
    case RequestReader::Step::proceed:
      if (context_.service.wants_body(reader.request())) {
        proceed();
      } else {
        dispatch(false);
      }
      return false;
    case RequestReader::Step::complete:
      used += reader.size();
      dispatch(true);
      input_.next();
      return true;
    case RequestReader::Step::refused: break;
  }
  refuse(reader.status(), reader.reason());
  return false;
}

// --- Requests and responses ------------------------------------------------------------------

void Connection::proceed() {
  Exchange& exchange = begin_exchange();
  exchange.text = "HTTP/1.1 100 Continue\r\n\r\n";
  answer(exchange);
}

void Connection::dispatch(bool complete) {
  const Request& request = input_.reader().request();
  Exchange& exchange = begin_exchange();
  exchange.version_is_1_0 = request.version_is_1_0;
  exchange.head_only = request.method == "HEAD";
  exchange.close_after = !complete || !request.keep_alive;
  stop_reading_ = stop_reading_ || exchange.close_after;
  context_.service.handle(exchange, request);
}

// What comes behind a request that was not understood, or not read, cannot be understood either.
void Connection::refuse(int status, std::string_view detail) {
  stop_reading_ = true;
  input_.drop_kept();
  context_.service.refused(status);
  Exchange& exchange = begin_exchange();
  exchange.close_after = true;
  answer_problem(exchange, status, detail, status == 503 ? "Retry-After: 1\r\n" : "");
}

Exchange& Connection::begin_exchange() {
  Exchange& exchange = *context_.service.acquire();
  exchange.connection = this;
  responses_.push(exchange);
  return exchange;
}

Persistence Connection::persistence_of(Exchange& exchange) {
  if (phase_.stopping() && responses_.is_last(exchange) && !input_.keeps_any()) {
    exchange.close_after = stop_reading_ = true;
  }
  if (exchange.close_after) return Persistence::close;
  return exchange.version_is_1_0 ? Persistence::keep_alive_1_0 : Persistence::implied;
}

void Connection::answer_problem(Exchange& exchange, int status, std::string_view detail,
                                std::string_view raw_fields) {
  const std::string body = problem_json(status, detail);
  ResponseHead head;
  head.status = status;
  head.date = date();
  head.content_type = "application/problem+json";
  head.body_size = body.size();
  head.persistence = persistence_of(exchange);
  head.keep_alive = keep_alive();
  head.raw_fields = raw_fields;
  exchange.text.clear();
  append_head(exchange.text, head);
  if (!exchange.head_only) exchange.text += body;
  answer(exchange);
}

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
  if (responses_.send(socket_) == ResponseQueue::Send::failed) return close();
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

// Called when new bytes have been looked at: has a request begun, is it in its body?
void Connection::advance_phase() {
  if (phase_.is(Phase::closed) || !input_.keeps_any() || stop_reading_) return;
  if (phase_.is(Phase::idle)) phase_.enter(Phase::head, context_.now);
  if (phase_.is(Phase::head) && input_.reader().in_body()) {
    phase_.enter(Phase::body, context_.now);
  }
}

// Closing a socket with unread input resets the connection, and the client may never see the
// response. So only the sending half is closed first, and what still comes is read and dropped.
void Connection::begin_linger() {
  if (input_ended_) return close();
  input_.drop_kept();
  ::shutdown(socket_, SHUT_WR);
  phase_.enter(Phase::lingering, context_.now);
  update_interest();
}

void Connection::check_deadline(Time now) {
  if (!phase_.is(Phase::lingering)) {
    if (!responses_.all_sent()) {
      if (now - responses_.progress() > context_.limits.send_timeout) close();
      return;
    }
    // While the client waits for us, it is not late.
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
  // What the client has sent before it could know is still taken. It cannot know yet: a connection
  // that was used or opened just now stays for one more request, whose answer says that it closes.
  if (may_read() && !phase_.is(Phase::lingering)) read_all(false);
  check_deadline(context_.now);
}

void Connection::close() {
  if (phase_.is(Phase::closed)) return;
  phase_.enter(Phase::closed, context_.now);
  input_.drop_kept();
  responses_.abandon();
  // Closing alone does not end its events while a process forked from this one holds it, too.
  context_.poller.remove(socket_);
  ::close(socket_);
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
  std::uint32_t wanted = may_read() ? reading_events : std::uint32_t{EPOLLET};
  // Before the first attempt to send there is nothing to wait for.
  if (!responses_.all_sent() && !flush_wanted_ && !phase_.is(Phase::lingering)) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  context_.poller.modify(socket_, wanted, *this);
}

}  // namespace postoffice::http
