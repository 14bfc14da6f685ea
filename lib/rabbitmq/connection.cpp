#include "rabbitmq/connection.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postoffice::rabbitmq {
namespace {

constexpr timeval connect_limit{1, 0};
constexpr timeval answer_limit{2, 0};
constexpr std::chrono::seconds tls_limit(2);
constexpr int frame_max_wanted = 131'072;
constexpr std::size_t read_size = 256 << 10;
// A body is kept in memory; none of ours comes near.
constexpr std::uint64_t body_size_max = 64 << 20;

amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string text_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

amqp_table_entry_t entry(const char* key, const std::string& value) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(key);
  result.value.kind = AMQP_FIELD_KIND_UTF8;
  result.value.value.bytes = bytes_of(value);
  return result;
}

amqp_table_entry_t entry(const char* key, bool value) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(key);
  result.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  result.value.value.boolean = value;
  return result;
}

std::string closing_text(const amqp_method_t& method) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
    return std::to_string(close->reply_code) + " " + text_of(close->reply_text);
  }
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    return std::to_string(close->reply_code) + " " + text_of(close->reply_text);
  }
  return "closed";
}

/// Which permission of the broker's user a refusal is about: its words do not say.
std::string missing_right(const amqp_method_t& method) {
  if (method.id != AMQP_CHANNEL_CLOSE_METHOD) return {};
  const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
  if (close->reply_code != AMQP_ACCESS_REFUSED) return {};
  const auto refused = static_cast<std::uint32_t>(close->class_id) << 16 | close->method_id;
  if (refused == AMQP_BASIC_PUBLISH_METHOD) {
    return " (to publish, the user needs the right to write to amq.default)";
  }
  if (refused == AMQP_BASIC_CONSUME_METHOD) {
    return " (to consume, the user needs the right to read the queue)";
  }
  return {};
}

std::string text_of(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    return closing_text(reply.reply) + missing_right(reply.reply);
  }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    return amqp_error_string2(reply.library_error);
  }
  return "no answer";
}

}  // namespace

Connection::~Connection() {
  const std::lock_guard lock(abort_mutex_);
  socket_ = -1;
  if (state_ != nullptr) amqp_destroy_connection(state_);
  tunnel_.reset();
}

void Connection::abort() {
  const std::lock_guard lock(abort_mutex_);
  aborted_ = true;
  if (tunnel_) tunnel_->abort();
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

bool Connection::ready(std::string& reason) const {
  if (state_ != nullptr) return true;
  reason = "not enough memory for a connection";
  return false;
}

bool Connection::connect(const Address& address, std::string& reason) {
  state_ = amqp_new_connection();
  amqp_socket_t* socket = state_ == nullptr ? nullptr : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return ready(reason);
  amqp_set_handshake_timeout(state_, &answer_limit);
  amqp_set_rpc_timeout(state_, &answer_limit);
  const bool connected =
      address.tls ? connect_tls(socket, address, reason) : connect_plain(socket, address, reason);
  if (!connected) return false;
  const std::lock_guard lock(abort_mutex_);
  socket_ = amqp_get_sockfd(state_);
  if (aborted_) return reason = "stopped", false;
  return true;
}

bool Connection::connect_plain(amqp_socket_t* socket, const Address& address, std::string& reason) {
  const int status =
      amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &connect_limit);
  if (status == AMQP_STATUS_OK) return true;
  reason = std::string("no connection: ") + amqp_error_string2(status);
  return false;
}

/// rabbitmq-c can do TLS, but gives its session to nobody; we read and write without it.
bool Connection::connect_tls(amqp_socket_t* socket, const Address& address, std::string& reason) {
  {
    const std::lock_guard lock(abort_mutex_);
    if (aborted_) return reason = "stopped", false;
    tunnel_.emplace();
  }
  const int plain_end = tunnel_->open(address, tls_limit, reason);
  if (plain_end < 0) return false;
  amqp_tcp_socket_set_sockfd(socket, plain_end);
  return true;
}

/// With TLS 1.3 the broker judges our certificate only after the handshake: its alert comes when we
/// read for the first time, to the tunnel.
std::string Connection::with_tls_words(std::string reason) const {
  const auto words = tunnel_ ? tunnel_->last_words() : std::string();
  return words.empty() ? reason : reason + " (TLS: " + words + ")";
}

bool Connection::open(const Address& address, std::chrono::seconds heartbeat, std::string& reason) {
  if (!connect(address, reason)) return false;
  // The broker tells only those who say that they listen.
  amqp_table_entry_t capabilities[] = {entry("basic.nack", true), entry("connection.blocked", true),
                                       entry("consumer_cancel_notify", true),
                                       entry("publisher_confirms", true)};
  const std::string name = "postoffice";
  amqp_table_entry_t entries[] = {entry("connection_name", name), {}};
  entries[1].key = amqp_cstring_bytes("capabilities");
  entries[1].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[1].value.value.table = {4, capabilities};
  const amqp_table_t properties{2, entries};
  const auto reply = amqp_login_with_properties(
      state_, address.vhost.c_str(), 1, frame_max_wanted, static_cast<int>(heartbeat.count()),
      &properties, AMQP_SASL_METHOD_PLAIN, address.user.c_str(), address.password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    reason = with_tls_words("the broker does not let us in: " + text_of(reply));
    return false;
  }
  frame_max_ = static_cast<std::size_t>(std::max(amqp_get_frame_max(state_), 4096));
  heartbeat_ = std::chrono::seconds(amqp_get_heartbeat(state_));
  heard_ = spoke_ = std::chrono::steady_clock::now();
  return open_channel(reason);
}

int Connection::reply_code(std::string& words) const {
  const auto reply = amqp_get_rpc_reply(state_);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return 0;
  words = text_of(reply);
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) return -1;
  if (reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD) return -1;
  return static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_code;
}

bool Connection::check(const char* what, std::string& reason) {
  std::string words;
  if (reply_code(words) == 0) return true;
  reason = with_tls_words(std::string(what) + ": " + words);
  return false;
}

bool Connection::open_channel(std::string& reason) {
  amqp_channel_open(state_, channel);
  return check("opening a channel", reason);
}

/// The broker has closed it, with an error that is none for us.
bool Connection::reopen_channel(std::string& reason) {
  amqp_channel_close_ok_t ok{};
  amqp_send_method(state_, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  return open_channel(reason);
}

bool Connection::confirm_publishing(std::string& reason) {
  amqp_confirm_select(state_, channel);
  return check("asking for confirms", reason);
}

bool Connection::consume(const std::string& queue, int prefetch, std::string& reason) {
  amqp_basic_qos(state_, channel, 0, static_cast<std::uint16_t>(prefetch), false);
  if (!check("setting the prefetch count", reason)) return false;
  amqp_basic_consume(state_, channel, bytes_of(queue), amqp_cstring_bytes("postoffice"), false,
                     false, false, amqp_empty_table);
  return check("consuming", reason);
}

bool Connection::send(SteadyTime now, std::string& reason) {
  while (sent_ < out_.size()) {
    const auto count =
        ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0) {
      reason = std::string("the connection is gone: ") + std::strerror(errno);
      return false;
    }
    sent_ += static_cast<std::size_t>(count);
    spoke_ = now;
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  } else if (sent_ > out_.size() / 2) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
  return true;
}

bool Connection::receive(FrameSink& sink, SteadyTime now, std::string& reason) {
  if (!library_drained_ && !drain_library(sink, reason)) return false;
  in_.resize(read_size);
  const auto count = ::recv(socket_, in_.data(), in_.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return true;
  if (count <= 0) {
    reason =
        with_tls_words(count == 0 ? "the broker has closed the connection"
                                  : std::string("the connection is gone: ") + std::strerror(errno));
    return false;
  }
  heard_ = now;
  return take_input(sink, std::as_bytes(std::span(in_)).first(static_cast<std::size_t>(count)),
                    reason);
}

/// While it set things up the library may have read more than its answers.
bool Connection::drain_library(FrameSink& sink, std::string& reason) {
  for (;;) {
    amqp_frame_t frame;
    const timeval at_once{0, 0};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &at_once);
    if (status == AMQP_STATUS_TIMEOUT) break;
    if (status != AMQP_STATUS_OK) {
      reason = std::string("the connection is gone: ") + amqp_error_string2(status);
      return false;
    }
    if (!take(sink, frame, reason)) return false;
  }
  amqp_maybe_release_buffers(state_);
  library_drained_ = true;
  return true;
}

bool Connection::take_input(FrameSink& sink, Bytes input, std::string& reason) {
  while (!input.empty()) {
    amqp_frame_t frame;
    std::memset(&frame, 0, sizeof frame);
    const amqp_bytes_t bytes{input.size(), const_cast<std::byte*>(input.data())};
    const int used = amqp_handle_input(state_, bytes, &frame);
    if (used < 0) {
      reason = std::string("the broker sends garbage: ") + amqp_error_string2(used);
      return false;
    }
    if (frame.frame_type != 0 && !take(sink, frame, reason)) return false;
    if (used == 0) break;
    input = input.subspan(static_cast<std::size_t>(used));
  }
  amqp_maybe_release_buffers(state_);
  return true;
}

bool Connection::take(FrameSink& sink, const amqp_frame_t_& frame, std::string& reason) {
  if (frame.frame_type == AMQP_FRAME_METHOD) return take_method(sink, frame, reason);
  if (frame.channel != channel || content_ == Content::none) return true;
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    begin_body(sink, frame);
  } else if (frame.frame_type == AMQP_FRAME_BODY) {
    const auto& piece = frame.payload.body_fragment;
    take_body(sink, {static_cast<const std::byte*>(piece.bytes), piece.len});
  }
  return true;
}

void Connection::begin_body(FrameSink& sink, const amqp_frame_t_& frame) {
  const auto& header = frame.payload.properties;
  const auto* properties = static_cast<const amqp_basic_properties_t*>(header.decoded);
  body_size_ = header.body_size;
  label_.clear();
  if (header.class_id == AMQP_BASIC_CLASS && (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)) {
    label_ = text_of(properties->message_id);
  }
  body_.clear();
  to_skip_ = body_size_ > body_size_max ? body_size_ : 0;
  if (body_size_ == 0) finish_content(sink, {});
}

/// Nobody's of ours: what cannot be kept is read and dropped, so that what follows can be.
void Connection::skip_body(FrameSink& sink, Bytes piece) {
  to_skip_ -= std::min<std::uint64_t>(to_skip_, piece.size());
  amqp_maybe_release_buffers(state_);  // the library keeps frames until it is told
  if (to_skip_ != 0) return;
  if (std::exchange(content_, Content::none) == Content::delivery) {
    sink.on_huge(tag_, body_size_);
  } else {
    sink.on_return({});
  }
}

void Connection::take_body(FrameSink& sink, Bytes piece) {
  if (to_skip_ != 0) return skip_body(sink, piece);
  if (body_.empty() && piece.size() >= body_size_) return finish_content(sink, piece);
  body_.insert(body_.end(), piece.begin(), piece.end());
  if (body_.size() >= body_size_) finish_content(sink, body_);
}

void Connection::finish_content(FrameSink& sink, Bytes body) {
  const auto content = std::exchange(content_, Content::none);
  if (content == Content::delivery) sink.on_deliver(tag_, redelivered_, label_, body);
  if (content == Content::returned) sink.on_return(body);
}

bool Connection::take_method(FrameSink& sink, const amqp_frame_t_& frame, std::string& reason) {
  const auto& method = frame.payload.method;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
      sink.on_confirm(ack->delivery_tag, ack->multiple != 0);
      return true;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
      sink.on_nack(nack->delivery_tag, nack->multiple != 0);
      return true;
    }
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto* delivery = static_cast<const amqp_basic_deliver_t*>(method.decoded);
      content_ = Content::delivery;
      tag_ = delivery->delivery_tag;
      redelivered_ = delivery->redelivered != 0;
      return true;
    }
    case AMQP_BASIC_RETURN_METHOD: content_ = Content::returned; return true;
    case AMQP_CONNECTION_BLOCKED_METHOD: sink.on_blocked(true); return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD: sink.on_blocked(false); return true;
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto* answer = static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
      sink.on_answer({text_of(answer->queue), answer->message_count, answer->consumer_count});
      return true;
    }
    case AMQP_CONNECTION_CLOSE_OK_METHOD: return reason = "closed", false;
    case AMQP_BASIC_CANCEL_METHOD:
      reason = "the broker has cancelled the consumer (was its queue deleted?)";
      return false;
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_CONNECTION_CLOSE_METHOD:
      reason = "the broker closes: " + closing_text(method) + missing_right(method);
      return false;
    default: return true;
  }
}

bool Connection::tend(SteadyTime now, SteadyTime& next, std::string& reason) {
  if (heartbeat_.count() == 0) return true;
  if (now >= heard_ + 2 * heartbeat_) {
    reason = "nothing was heard of the broker for " + std::to_string(2 * heartbeat_.count()) +
             " seconds";
    return false;
  }
  if (now >= spoke_ + heartbeat_ / 2 && unsent() == 0) {
    put_heartbeat(out_);
    spoke_ = now;
  }
  next = std::min({next, heard_ + 2 * heartbeat_, std::max(now, spoke_) + heartbeat_ / 2});
  return true;
}

}  // namespace postoffice::rabbitmq
