// What the broker or rabbitmq-c says when something fails, for people.
#pragma once

#include <amqp.h>

#include <string>

namespace postoffice::rabbitmq {

std::string text_of(amqp_bytes_t bytes);
std::string text_of(const amqp_rpc_reply_t& reply);
/// Of connection.close or channel.close: code, text and, if one is missing, the right of the user.
std::string closing_text(const amqp_method_t& method);

}  // namespace postoffice::rabbitmq
