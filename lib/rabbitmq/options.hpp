// What RabbitOptions mean in here.
#pragma once

#include <string>

#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/broker_session.hpp"

namespace postoffice::rabbitmq {

/// Throws std::invalid_argument if they cannot work; fills in a random publisher.
RabbitOptions checked(RabbitOptions options);

/// From options that are checked().
BrokerSession::Settings session_settings(const RabbitOptions& options, std::string name, Log log);

}  // namespace postoffice::rabbitmq
