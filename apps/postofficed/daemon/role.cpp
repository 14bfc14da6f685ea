#include "daemon/role.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/host_port.hpp"
#include "daemon/local_role.hpp"
#include "daemon/memory_limit.hpp"
#include "daemon/open_queue.hpp"
#include "support/stores.hpp"
#ifdef POSTOFFICED_RABBITMQ
#include "daemon/cluster_role.hpp"
#endif

namespace postofficed {
namespace {

#ifdef POSTOFFICED_RABBITMQ
constexpr const char* hint = "give --queue amqp://…";
#else
constexpr const char* hint = "RabbitMQ support is not built in";
#endif

// Transactions of a pipeline whose store does not wait at each commit: one runs, one waits behind
// it, and some wait for the server's WAL.
constexpr std::size_t batches_not_awaited = 6;

/// Whether one address may be among those of both hosts, as far as their names tell.
bool overlap(const std::string& a, const std::string& b) {
  const auto all = [](const std::string& host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
  };
  const auto local = [](const std::string& host) {
    return host == "localhost" || host == "127.0.0.1" || host == "::1";
  };
  const bool both_local = local(a) && local(b) && (a == "localhost" || b == "localhost");
  return a == b || all(a) || all(b) || both_local;
}

}  // namespace

Failure check_role(const Options& options) {
  const bool file = options.queue.kind == QueueLocation::Kind::file;
  const bool needs_broker = options.command == Command::serve || options.command == Command::worker;
  if (file && needs_broker) {
    const std::string name = options.command == Command::serve ? "serve" : "worker";
    return misconfigured(name + " needs a broker between it and its peers, and --queue is " +
                         describe(options.queue) + "; " + hint +
                         ", or use the command run, which does everything");
  }
  // Deletes follow the slowest shard of all, and only a database server knows its watermark.
  if (!file && options.store.kind == StoreLocation::Kind::sqlite) {
    return misconfigured(
        "--queue " + describe(options.queue) +
        " needs a store that several processes share: --store postgresql://…, not " +
        describe(options.store));
  }
  return {};
}

Failure check_listeners(const Options& options) {
  if (options.command == Command::worker) return {};
  const auto callback = postoffice::parse_host_port(options.listen);
  const auto admin = postoffice::parse_host_port(options.admin_listen);
  if (!callback || !admin || callback->port == 0 || callback->port != admin->port) return {};
  if (!overlap(callback->host, admin->host)) return {};
  return misconfigured("--listen " + options.listen + " and --admin-listen " +
                       options.admin_listen + " take the same port: give each its own");
}

std::unique_ptr<Role> make_role(DaemonParts& parts) {
#ifdef POSTOFFICED_RABBITMQ
  if (parts.options.queue.kind != QueueLocation::Kind::file) {
    return std::make_unique<ClusterRole>(parts);
  }
#endif
  return std::make_unique<LocalRole>(parts);
}

postoffice::PipelineOptions pipeline_options(const Options& options, std::size_t count) {
  postoffice::PipelineOptions result;
  result.ttl = options.ttl;
  result.keep = options.keep;
  result.fetch_concurrency = options.fetch_concurrency;
  result.fetch_timeout = options.fetch_timeout;
  result.drain_limit = options.drain_limit;
  if (!options.synchronous_commit) result.full_batches_in_flight = batches_not_awaited;
  fit_memory(memory_limit(), count, result);
  return result;
}

std::string instance_name(const std::string& listen) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return host + listen.substr(std::min(listen.rfind(':'), listen.size())) + "#" +
         std::to_string(getpid());
}

Failure DaemonParts::open_journal() { return open_queue(options, clock, log, journal); }

Failure DaemonParts::open_store(std::optional<postoffice::PostgresInstance> instance) {
  auto made =
      make_store(options.store, true, loop, log, std::move(instance), options.synchronous_commit);
  if (!made) return std::move(made).error();
  store = *std::move(made);
  postgres = dynamic_cast<postoffice::PostgresObjectStore*>(store.get());
  return {};
}

void DaemonParts::open_source() {
  postoffice::HttpObjectSourceOptions wanted;
  wanted.url = options.source;
  wanted.connections_max = shares.fetches;
  wanted.keep_alive = options.source_keep_alive;
  source.emplace(loop, wanted, log);
}

void DaemonParts::open_ingress(std::function<std::string()> why_not) {
  postoffice::HttpIngressOptions wanted;
  wanted.listen = options.listen;
  wanted.threads = options.ingress_threads;
  wanted.sockets = std::move(sockets.callback);
  wanted.connections_max = shares.callbacks;
  wanted.why_not = std::move(why_not);
  if (options.public_health) wanted.not_ready = not_ready;
  ingress.emplace(wanted, log);
}

}  // namespace postofficed
