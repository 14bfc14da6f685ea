#include "rabbitmq/connection.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "postoffice/error.hpp"
#include "rabbitmq/broker_words.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr timeval connect_limit{1, 0};
constexpr timeval answer_limit{2, 0};
constexpr std::chrono::seconds tls_limit(2);
constexpr int frame_max_wanted = 131'072;
constexpr std::size_t read_size = 256 << 10;

amqp_table_entry_t entry(const char* key, amqp_field_value_kind_t kind) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(key);
  result.value.kind = kind;
  return result;
}

amqp_table_entry_t enabled(const char* key) {
  auto result = entry(key, AMQP_FIELD_KIND_BOOLEAN);
  result.value.value.boolean = true;
  return result;
}

Failure unavailable(std::string why) { return {Error::unavailable, std::move(why)}; }

std::string gone(const char* why) { return std::string("the connection is gone: ") + why; }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Connection::~Connection() {
  const LockGuard lock(abort_mutex_);
  socket_ = -1;
  if (state_ != nullptr) amqp_destroy_connection(state_);
  tunnel_.reset();
}

void Connection::abort() {
  const LockGuard lock(abort_mutex_);
  aborted_ = true;
  if (tunnel_) tunnel_->abort();
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

Failure Connection::open(const Address& address, std::chrono::seconds heartbeat) {
  if (auto failure = connect(address)) return failure;
  if (auto failure = log_in(address, heartbeat)) return failure;
  return channel_->open();
}

Failure Connection::connect(const Address& address) {
  assert(state_ == nullptr);
  state_ = amqp_new_connection();
  amqp_socket_t* socket = state_ == nullptr ? nullptr : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return unavailable("not enough memory for a connection");
  amqp_set_handshake_timeout(state_, &answer_limit);
  amqp_set_rpc_timeout(state_, &answer_limit);
  auto failure = address.tls ? connect_tls(socket, address) : connect_plain(socket, address);
  if (failure) return failure;
  channel_.emplace(state_, tunnel_ ? &*tunnel_ : nullptr);
  reader_.emplace(state_);
  const LockGuard lock(abort_mutex_);
  socket_ = amqp_get_sockfd(state_);
  if (aborted_) return {Error::stopped, "stopped"};
  return {};
}

Failure Connection::connect_plain(amqp_socket_t* socket, const Address& address) {
  const int status =
      amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &connect_limit);
  if (status == AMQP_STATUS_OK) return {};
  return unavailable(std::string("no connection: ") + amqp_error_string2(status));
}

/// rabbitmq-c can do TLS, but does not give its session away; here it is read and written without
/// the library.
Failure Connection::connect_tls(amqp_socket_t* socket, const Address& address) {
  {
    const LockGuard lock(abort_mutex_);
    if (aborted_) return {Error::stopped, "stopped"};
    tunnel_.emplace();
  }
  auto plain_end = tunnel_->open(address, tls_limit);
  if (!plain_end) return std::move(plain_end).error();
  amqp_tcp_socket_set_sockfd(socket, *plain_end);
  return {};
}

Failure Connection::log_in(const Address& address, std::chrono::seconds heartbeat) {
  // The broker tells only those who say that they listen.
  amqp_table_entry_t capabilities[] = {enabled("basic.nack"), enabled("connection.blocked"),
                                       enabled("consumer_cancel_notify"),
                                       enabled("publisher_confirms")};
  amqp_table_entry_t entries[] = {entry("connection_name", AMQP_FIELD_KIND_UTF8),
                                  entry("capabilities", AMQP_FIELD_KIND_TABLE)};
  entries[0].value.value.bytes = amqp_cstring_bytes("postoffice");
  entries[1].value.value.table = {std::size(capabilities), capabilities};
  const amqp_table_t properties{std::size(entries), entries};
  const auto reply = amqp_login_with_properties(
      state_, address.vhost.c_str(), 1, frame_max_wanted, static_cast<int>(heartbeat.count()),
      &properties, AMQP_SASL_METHOD_PLAIN, address.user.c_str(), address.password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    return unavailable(
        channel_->with_tls_words("the broker does not let us in: " + text_of(reply)));
  }
  frame_max_ = static_cast<std::size_t>(std::max(amqp_get_frame_max(state_), 4096));
  heartbeat_.begin(std::chrono::seconds(amqp_get_heartbeat(state_)),
                   std::chrono::steady_clock::now());
  return {};
}

Failure Connection::send(SteadyTime now) {
  while (!out_.unsent().empty()) {
    const auto bytes = out_.unsent();
    const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && would_block()) break;
    if (count < 0) return unavailable(gone(std::strerror(errno)));
    out_.sent(static_cast<std::size_t>(count));
    heartbeat_.spoke(now);
  }
  return {};
}

Failure Connection::receive(FrameSink& sink, SteadyTime now) {
  if (!library_drained_) {
    if (auto failure = drain_library(sink)) return failure;
  }
  in_.resize(read_size);
  const auto count = ::recv(socket_, in_.data(), in_.size(), MSG_DONTWAIT);
  if (count < 0 && (would_block() || errno == EINTR)) return {};
  if (count <= 0) {
    return unavailable(channel_->with_tls_words(count == 0 ? "the broker has closed the connection"
                                                           : gone(std::strerror(errno))));
  }
  heartbeat_.heard(now);
  return reader_->read(std::as_bytes(std::span(in_)).first(static_cast<std::size_t>(count)), sink);
}

/// While it set things up the library may have read more than its answers.
Failure Connection::drain_library(FrameSink& sink) {
  for (;;) {
    amqp_frame_t frame;
    const timeval at_once{0, 0};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &at_once);
    if (status == AMQP_STATUS_TIMEOUT) break;
    if (status != AMQP_STATUS_OK) return unavailable(gone(amqp_error_string2(status)));
    if (auto failure = reader_->read(frame, sink)) return failure;
  }
  amqp_maybe_release_buffers(state_);
  library_drained_ = true;
  return {};
}

Failure Connection::keep_alive(SteadyTime now, SteadyTime& next) {
  const auto action = heartbeat_.due(now, out_.unsent().empty());
  if (action == Heartbeat::Action::give_up) {
    return unavailable("nothing was heard of the broker for " +
                       std::to_string(heartbeat_.silence_max().count()) + " seconds");
  }
  if (action == Heartbeat::Action::send) {
    put_heartbeat(out());
    heartbeat_.spoke(now);
  }
  next = std::min(next, heartbeat_.next(now));
  return {};
}

}  // namespace postoffice::rabbitmq
