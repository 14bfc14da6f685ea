#include "http/server/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "http/server/server_loop.hpp"

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

}  // namespace

Connection::Connection(ServerLoop& loop, int socket)
    : loop_(loop),
      socket_(socket),
      interest_(reading_events),
      request_begun_(loop.now()),
      phase_begun_(loop.now()),
      reader_(loop.limits().request, loop.recent_heads()) {}

Connection::~Connection() = default;

Connection::Time Connection::now() const { return loop_.now(); }

std::string_view Connection::date() { return loop_.date(); }

std::string_view Connection::keep_alive() const { return loop_.keep_alive(); }

void Connection::on_events(std::uint32_t events) {
  if (phase_ == Phase::closed) return;
  const bool lingers = phase_ == Phase::lingering;
  if ((events & EPOLLERR) != 0 && !lingers) return close();
  if ((events & EPOLLOUT) != 0) loop_.want_flush(*this);
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0 && may_read()) {
    return read_all((events & EPOLLRDHUP) != 0);
  }
  if ((events & EPOLLHUP) != 0) close();  // Nobody is left who could read a response.
}

void Connection::read_all(bool to_the_end) {
  for (int i = 0; i < reads_per_event_max; ++i) {
    const Read read = phase_ == Phase::lingering ? drop_some() : read_some();
    const bool more = read == Read::filled || (read == Read::short_of_it && to_the_end);
    if (!more || !may_read()) return;
  }
  loop_.poller().modify(socket_, interest_, *this);
}

Connection::Read Connection::read_some() {
  const std::span<char> buffer = loop_.buffer();
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    if (count == 0) {
      on_end_of_input();
    } else if (!would_block()) {
      close();
    }
    return Read::nothing;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (pending_.empty()) {
    const std::size_t used = process(bytes);
    if (used < bytes.size()) keep(bytes.substr(used));
  } else {
    keep(bytes);
    if (!stop_reading_) resume_reading();
  }
  if (!pending_.empty() && !stop_reading_) acknowledge_at_once();
  advance_phase();
  update_interest();
  return bytes.size() == buffer.size() ? Read::filled : Read::short_of_it;
}

// A client that sends head and body apart, without TCP_NODELAY, sends the body when the head has
// been acknowledged. The kernel would wait 40 ms for an answer to send that along with.
void Connection::acknowledge_at_once() {
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Connection::on_end_of_input() {
  input_ended_ = true;
  if (!stop_reading_ && (phase_ == Phase::head || phase_ == Phase::body)) {
    return refuse(400, "the input ended inside a request");
  }
  loop_.want_flush(*this);
  update_interest();
}

// Holds back what belongs to a request that is not complete.
void Connection::keep(std::string_view rest) {
  if (stop_reading_) return;
  auto& total = loop_.totals().buffered_bytes;
  if (total.load(std::memory_order_relaxed) + rest.size() > loop_.limits().buffered_bytes_max) {
    return refuse(503, "too many requests are being received");
  }
  total.fetch_add(rest.size(), std::memory_order_relaxed);
  pending_.append(rest);
}

void Connection::drop_pending(std::size_t count) {
  loop_.totals().buffered_bytes.fetch_sub(count, std::memory_order_relaxed);
  if (count < pending_.size()) {
    pending_.erase(0, count);
  } else {
    pending_ = std::string();
  }
}

void Connection::resume_reading() {
  if (pending_.empty()) return;
  const std::size_t used = process(pending_);
  drop_pending(stop_reading_ ? pending_.size() : used);
}

// Takes every complete request out of `bytes`; returns how much that was.
std::size_t Connection::process(std::string_view bytes) {
  std::size_t used = 0;
  held_back_ = false;
  while (!stop_reading_ && used < bytes.size()) {
    used += drop_empty_lines(bytes.substr(used));
    if (used == bytes.size()) break;
    held_back_ = unanswered_ >= loop_.limits().unanswered_max;
    if (held_back_ || !process_one(bytes.substr(used), used)) break;
    empty_lines_ = 0;
    phase_ = Phase::idle;
    phase_begun_ = loop_.now();
  }
  if (used == bytes.size() && phase_ == Phase::head) phase_ = Phase::idle;  // an empty line, in two
  return used;
}

// Some clients send one behind a body. It begins no request, so no deadline either.
std::size_t Connection::drop_empty_lines(std::string_view bytes) {
  std::size_t size = 0;
  while (bytes.substr(size).starts_with("\r\n") && empty_lines_ < empty_lines_max) {
    size += 2;
    ++empty_lines_;
  }
  return size;
}

bool Connection::process_one(std::string_view bytes, std::size_t& used) {
  switch (reader_.read(bytes)) {
    case RequestReader::Step::more: return false;
    case RequestReader::Step::proceed:
      if (loop_.service().wants_body(reader_.request())) {
        proceed();
      } else {
        dispatch(false);
      }
      return false;
    case RequestReader::Step::complete:
      used += reader_.size();
      dispatch(true);
      reader_.next();
      return true;
    case RequestReader::Step::refused: break;
  }
  refuse(reader_.status(), reader_.reason());
  return false;
}

void Connection::proceed() {
  Exchange& exchange = begin_exchange();
  exchange.text = "HTTP/1.1 100 Continue\r\n\r\n";
  answer(exchange);
}

void Connection::dispatch(bool complete) {
  const Request& request = reader_.request();
  Exchange& exchange = begin_exchange();
  exchange.version_is_1_0 = request.version_is_1_0;
  exchange.head_only = request.method == "HEAD";
  exchange.close_after = !complete || !request.keep_alive;
  stop_reading_ = stop_reading_ || exchange.close_after;
  loop_.service().handle(exchange, request);
}

// What comes behind a request that was not understood, or not read, cannot be understood either.
void Connection::refuse(int status, std::string_view detail) {
  stop_reading_ = true;
  drop_pending(pending_.size());
  loop_.service().refused(status);
  Exchange& exchange = begin_exchange();
  exchange.close_after = true;
  answer_problem(exchange, status, detail, status == 503 ? "Retry-After: 1\r\n" : "");
}

Exchange& Connection::begin_exchange() {
  Exchange& exchange = *loop_.service().acquire();
  exchange.connection = this;
  (last_ == nullptr ? first_ : last_->next) = &exchange;
  last_ = &exchange;
  ++unanswered_;
  return exchange;
}

Persistence Connection::persistence_of(Exchange& exchange) {
  if (stopping_ && &exchange == last_ && pending_.empty()) {
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
  head.date = loop_.date();
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
  exchange.ready = true;
  if (unsent_.empty()) {
    send_progress_ = loop_.now();
    loop_.lend_buffer(unsent_);
  }
  while (first_ != nullptr && first_->ready) {
    Exchange& done = *first_;
    unsent_ += done.text;
    first_ = done.next;
    if (first_ == nullptr) last_ = nullptr;
    done.connection = nullptr;
    --unanswered_;
    loop_.service().release(done);
  }
  loop_.want_flush(*this);
}

void Connection::flush() {
  flush_wanted = false;
  if (phase_ == Phase::closed || phase_ == Phase::lingering || !send_unsent()) return;
  if (unsent_.empty() && first_ == nullptr) {
    if (stop_reading_ || input_ended_) return begin_linger();
    if (phase_ == Phase::idle) phase_begun_ = loop_.now();
  }
  if (held_back_ && unanswered_ < loop_.limits().unanswered_max) {
    resume_reading();
    advance_phase();
  }
  update_interest();
}

// False if that was the end of the connection.
bool Connection::send_unsent() {
  while (sent_ < unsent_.size()) {
    const ssize_t count = ::send(socket_, unsent_.data() + sent_, unsent_.size() - sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (would_block()) return true;
      close();
      return false;
    }
    sent_ += static_cast<std::size_t>(count);
    send_progress_ = loop_.now();
  }
  sent_ = 0;
  loop_.take_back(unsent_);
  return true;
}

// Closing a socket with unread input resets the connection, and the client may never see the
// response. So only the sending half is closed first, and what still comes is read and dropped.
void Connection::begin_linger() {
  if (input_ended_) return close();
  drop_pending(pending_.size());
  ::shutdown(socket_, SHUT_WR);
  phase_ = Phase::lingering;
  phase_begun_ = loop_.now();
  update_interest();
}

Connection::Read Connection::drop_some() {
  const std::span<char> buffer = loop_.buffer();
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (count < 0 && would_block()) return Read::nothing;
  if (count > 0) dropped_ += static_cast<std::size_t>(count);
  if (count <= 0 || dropped_ > loop_.limits().linger_bytes_max) {
    close();
    return Read::nothing;
  }
  return static_cast<std::size_t>(count) == buffer.size() ? Read::filled : Read::short_of_it;
}

// Called when new bytes have been looked at: has a request begun, is it in its body?
void Connection::advance_phase() {
  if (phase_ == Phase::closed || pending_.empty() || stop_reading_) return;
  if (phase_ == Phase::idle) {
    phase_ = Phase::head;
    request_begun_ = phase_begun_ = loop_.now();
  }
  if (phase_ == Phase::head && reader_.in_body()) {
    phase_ = Phase::body;
    phase_begun_ = loop_.now();
  }
}

void Connection::check_deadline(Time now) {
  const ServerLimits& limits = loop_.limits();
  const auto in_phase = now - phase_begun_;
  if (phase_ == Phase::lingering) {
    if (in_phase > limits.linger_timeout) close();
    return;
  }
  if (!unsent_.empty()) {
    if (now - send_progress_ > limits.send_timeout) close();
    return;
  }
  // While the client waits for us, it is not late.
  if (stop_reading_ || held_back_) return;
  if (phase_ == Phase::idle) {
    const auto limit = stopping_ ? limits.stop_idle : limits.idle_timeout;
    if (first_ == nullptr && in_phase > limit) close();
    return;
  }
  if (stopping_ && now - stop_begun_ > limits.stop_timeout) {
    return refuse(503, "the server is stopping");
  }
  if (phase_ == Phase::head && in_phase > limits.header_timeout) {
    return refuse(408, "the header block did not arrive in time");
  }
  if (phase_ == Phase::body &&
      (in_phase > limits.body_timeout || now - request_begun_ > limits.request_timeout)) {
    refuse(408, "the body did not arrive in time");
  }
}

void Connection::begin_stop() {
  stopping_ = true;
  stop_begun_ = loop_.now();
  // What the client has sent before it could know is still taken. It cannot know yet: a connection
  // that was used or opened just now stays for one more request, whose answer says that it closes.
  if (may_read() && phase_ != Phase::lingering) read_all(false);
  check_deadline(stop_begun_);
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  drop_pending(pending_.size());
  while (first_ != nullptr) {
    Exchange& abandoned = *std::exchange(first_, first_->next);
    abandoned.connection = nullptr;
    loop_.service().release(abandoned);
  }
  last_ = nullptr;
  // Closing alone does not end its events while a process forked from this one holds it, too.
  loop_.poller().remove(socket_);
  ::close(socket_);
  loop_.bury(*this);
}

bool Connection::may_read() const {
  if (phase_ == Phase::closed) return false;
  if (phase_ == Phase::lingering) return true;
  return !stop_reading_ && !input_ended_ && !held_back_ &&
         unanswered_ < loop_.limits().unanswered_max &&
         unsent_.size() - sent_ < loop_.limits().unsent_bytes_max;
}

void Connection::update_interest() {
  if (phase_ == Phase::closed) return;
  std::uint32_t wanted = may_read() ? reading_events : std::uint32_t{EPOLLET};
  // Before the first attempt to send there is nothing to wait for.
  if (!unsent_.empty() && !flush_wanted && phase_ != Phase::lingering) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.poller().modify(socket_, wanted, *this);
}

}  // namespace postoffice::http
