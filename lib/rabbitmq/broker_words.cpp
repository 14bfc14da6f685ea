#include "rabbitmq/broker_words.hpp"

#include <amqp_framing.h>

namespace postoffice::rabbitmq {
namespace {

template <typename Close>
std::string code_and_text(const amqp_method_t& method) {
  const auto* close = static_cast<const Close*>(method.decoded);
  return std::to_string(close->reply_code) + " " + text_of(close->reply_text);
}

/// Which permission of the broker's user a refusal is about: its words do not say.
std::string missing_right(const amqp_channel_close_t& close) {
  if (close.reply_code != AMQP_ACCESS_REFUSED) return {};
  const auto refused = static_cast<std::uint32_t>(close.class_id) << 16 | close.method_id;
  if (refused == AMQP_BASIC_PUBLISH_METHOD) {
    return " (to publish, the user needs the right to write to amq.default)";
  }
  if (refused == AMQP_BASIC_CONSUME_METHOD) {
    return " (to consume, the user needs the right to read the queue)";
  }
  return {};
}

}  // namespace

std::string text_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

std::string closing_text(const amqp_method_t& method) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    return code_and_text<amqp_connection_close_t>(method);
  }
  if (method.id != AMQP_CHANNEL_CLOSE_METHOD) return "closed";
  return code_and_text<amqp_channel_close_t>(method) +
         missing_right(*static_cast<const amqp_channel_close_t*>(method.decoded));
}

std::string text_of(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return closing_text(reply.reply);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    return amqp_error_string2(reply.library_error);
  }
  return "no answer";
}

}  // namespace postoffice::rabbitmq
