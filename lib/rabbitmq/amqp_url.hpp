// Where the broker is, from amqp://user:password@host:port/vhost.
#pragma once

#include <string>

namespace postoffice::rabbitmq {

struct Address {
  std::string host = "localhost";
  int port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
};

/// Throws std::invalid_argument, which names what is wrong, but never the password. A path "/" or
/// none is the virtual host "/"; parts are percent-decoded.
Address parse_amqp_url(const std::string& url);

/// Without password, for people.
std::string to_string(const Address& address);

}  // namespace postoffice::rabbitmq
