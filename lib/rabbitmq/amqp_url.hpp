// Where the broker is, from amqp://user:password@host:port/vhost, or amqps://… for TLS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postoffice/result.hpp"

namespace postoffice::rabbitmq {

/// From the URL's query, by the names that RabbitMQ gave them
/// (https://www.rabbitmq.com/docs/uri-query-parameters). Unlike there, the broker is verified
/// by default.
struct Tls {
  std::string ca_file;      ///< cacertfile; empty: what the system trusts
  std::string certificate;  ///< certfile: ours, if the broker asks for one
  std::string key;          ///< keyfile: its private key
  std::string server_name;  ///< server_name_indication; empty: the host
  bool verify = true;       ///< verify=verify_peer or verify_none
};

struct Host {
  std::string name = "localhost";
  int port = 5672;

  friend bool operator==(const Host&, const Host&) = default;
};

struct Address {
  std::string host = "localhost";
  int port = 5672;          ///< 5671 with TLS
  std::vector<Host> hosts;  ///< all that the URL names, host and port above first
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  std::optional<Tls> tls;
};

/// The failure names what is wrong, but never the password. A path "/" or none is the virtual host
/// "/"; parts are percent-decoded. Several hosts, each with its own port, are separated by commas:
/// the nodes of one cluster.
Result<Address> parse_amqp_url(const std::string& url);

/// Without password, for people.
std::string to_string(const Address& address);

}  // namespace postoffice::rabbitmq
