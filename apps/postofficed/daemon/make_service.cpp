#include "daemon/make_service.hpp"

#include <string>
#include <utility>

#include "daemon/daemon.hpp"
#ifdef POSTOFFICED_RABBITMQ
#include "daemon/broker_daemon.hpp"
#endif

namespace postofficed {
namespace {

#ifdef POSTOFFICED_RABBITMQ
constexpr const char* hint = "give --queue amqp://…";
#else
constexpr const char* hint = "RabbitMQ support is not built in";
#endif

Failure problem(std::string text) { return {ExitCode::configuration, std::move(text)}; }

}  // namespace

Failure check_service(const Options& options) {
  const bool file = options.queue.kind == QueueLocation::Kind::file;
  const bool needs_broker = options.command == Command::serve || options.command == Command::worker;
  if (file && needs_broker) {
    const std::string name = options.command == Command::serve ? "serve" : "worker";
    return problem(name + " needs a broker between it and its peers, and --queue is " +
                   describe(options.queue) + "; " + hint +
                   ", or use the command run, which does everything");
  }
  // Rows go by the slowest shard of all, and only a server knows which that is.
  if (!file && options.store.kind == StoreLocation::Kind::sqlite) {
    return problem("--queue " + describe(options.queue) +
                   " needs a store that several processes share: --store postgresql://…, not " +
                   describe(options.store));
  }
  return {};
}

std::unique_ptr<Service> make_service(ParsedOptions parsed, PassedSockets sockets,
                                      postoffice::Log log) {
#ifdef POSTOFFICED_RABBITMQ
  if (parsed.options.queue.kind != QueueLocation::Kind::file) {
    return std::make_unique<BrokerDaemon>(std::move(parsed), std::move(sockets), std::move(log));
  }
#endif
  return std::make_unique<Daemon>(std::move(parsed), std::move(sockets), std::move(log));
}

}  // namespace postofficed
