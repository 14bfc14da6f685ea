#include "rabbitmq/options.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/random.hpp"
#include "postoffice/error.hpp"
#include "rabbitmq/connection.hpp"
#include "rabbitmq/tls_tunnel.hpp"

namespace postoffice::rabbitmq {

RabbitOptions checked(RabbitOptions options) {
  const auto address = parse_amqp_url(options.url);
  if (!address) throw std::invalid_argument(address.error().text());
  const auto require = [](bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
  };
  require(!address->tls || tls_is_built_in(), "amqps: TLS is not built in, for want of OpenSSL");
  require(options.shards >= 1 && options.shards <= 1024, "shards: 1 to 1024");
  require(!options.prefix.empty() && options.prefix.size() <= 200, "prefix: 1 to 200 bytes");
  require(options.prefetch >= 1 && options.prefetch <= 65'535, "prefetch: 1 to 65535");
  require(options.confirm_timeout.count() > 0 && options.reconnect_max.count() > 0 &&
              options.tick.count() > 0 && options.heartbeat.count() >= 0,
          "times must be positive");
  if (options.publisher == 0) options.publisher = random_uint64();
  return options;
}

BrokerSession::Settings session_settings(const RabbitOptions& options, std::string name, Log log) {
  return {*parse_amqp_url(options.url),
          options.url_now,
          options.reconnect_max,
          std::chrono::ceil<std::chrono::seconds>(options.heartbeat),
          std::move(name),
          std::move(log)};
}

}  // namespace postoffice::rabbitmq

namespace postoffice {

Failure check_rabbit(const RabbitOptions& options) {
  using namespace rabbitmq;
  options.check();
  auto address = parse_amqp_url(options.url);
  if (!address) return std::move(address).error();
  std::string reasons;
  for (const auto& host : address->hosts) {
    address->host = host.name;
    address->port = host.port;
    Connection connection;
    const auto heartbeat = std::chrono::ceil<std::chrono::seconds>(options.heartbeat);
    const auto failure = connection.open(*address, heartbeat);
    if (!failure) return {};
    reasons += (reasons.empty() ? "" : "; ") + host.name + ":" + std::to_string(host.port) + ": " +
               failure.text();
  }
  return {Error::unavailable, reasons};
}

}  // namespace postoffice
