#include "rabbitmq/channel.hpp"

#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "postoffice/error.hpp"
#include "rabbitmq/broker_words.hpp"
#include "rabbitmq/frames.hpp"

namespace postoffice::rabbitmq {
namespace {

amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

amqp_table_entry_t entry_of(const Argument& argument) {
  amqp_table_entry_t result{};
  result.key = bytes_of(argument.name);
  if (const auto* text = std::get_if<std::string>(&argument.value)) {
    result.value.kind = AMQP_FIELD_KIND_UTF8;
    result.value.value.bytes = bytes_of(*text);
  } else if (const auto* number = std::get_if<std::int64_t>(&argument.value)) {
    result.value.kind = AMQP_FIELD_KIND_I64;
    result.value.value.i64 = *number;
  } else {
    result.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    result.value.value.boolean = std::get<bool>(argument.value);
  }
  return result;
}

}  // namespace

std::string Channel::with_tls_words(std::string words) const {
  const auto last = tunnel_ != nullptr ? tunnel_->last_words() : std::string();
  return last.empty() ? words : words + " (TLS: " + last + ")";
}

/// Of the last call, if it failed.
ChannelFailure Channel::last_failure() const {
  const auto reply = amqp_get_rpc_reply(state_);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  ChannelFailure failure{{Error::unavailable, with_tls_words(text_of(reply))},
                         ChannelFailure::no_answer};
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    failure.reply_code = static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_code;
  }
  return failure;
}

Failure Channel::last_failure(const char* what) const {
  Failure failure = last_failure();
  if (failure) failure.message = std::string(what) + ": " + failure.message;
  return failure;
}

Failure Channel::open() {
  amqp_channel_open(state_, channel);
  return last_failure("opening a channel");
}

Failure Channel::reopen() {
  amqp_channel_close_ok_t ok{};
  amqp_send_method(state_, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  return open();
}

Failure Channel::confirm_publishing() {
  amqp_confirm_select(state_, channel);
  return last_failure("asking for confirms");
}

Failure Channel::consume(const std::string& queue, int prefetch) {
  amqp_basic_qos(state_, channel, 0, static_cast<std::uint16_t>(prefetch), false);
  if (auto failure = last_failure("setting the prefetch count")) return failure;
  amqp_basic_consume(state_, channel, bytes_of(queue), amqp_cstring_bytes("postoffice"), false,
                     false, false, amqp_empty_table);
  return last_failure("consuming");
}

ChannelFailure Channel::look_for_exchange(const std::string& name) {
  amqp_exchange_declare(state_, channel, bytes_of(name), amqp_cstring_bytes("fanout"), true, true,
                        false, false, amqp_empty_table);
  return last_failure();
}

ChannelFailure Channel::declare_exchange(const std::string& name) {
  amqp_exchange_declare(state_, channel, bytes_of(name), amqp_cstring_bytes("fanout"), false, true,
                        false, false, amqp_empty_table);
  return last_failure();
}

ChannelFailure Channel::look_for_queue(const std::string& name) {
  amqp_queue_declare(state_, channel, bytes_of(name), true, true, false, false, amqp_empty_table);
  return last_failure();
}

ChannelFailure Channel::declare_queue(const std::string& name, const Arguments& arguments) {
  std::vector<amqp_table_entry_t> entries;
  std::transform(arguments.begin(), arguments.end(), std::back_inserter(entries), entry_of);
  const amqp_table_t table{static_cast<int>(entries.size()), entries.data()};
  amqp_queue_declare(state_, channel, bytes_of(name), false, true, false, false, table);
  return last_failure();
}

ChannelFailure Channel::bind_queue(const std::string& name, const std::string& exchange) {
  amqp_queue_bind(state_, channel, bytes_of(name), bytes_of(exchange), amqp_empty_bytes,
                  amqp_empty_table);
  return last_failure();
}

}  // namespace postoffice::rabbitmq
