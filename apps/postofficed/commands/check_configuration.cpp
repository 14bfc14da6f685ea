#include "commands/check_configuration.hpp"

#include <stdexcept>

#include "daemon/admin_access.hpp"
#include "daemon/role.hpp"
#include "http/server/http_server.hpp"
#include "options/redaction.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "support/stores.hpp"
#ifdef POSTOFFICED_RABBITMQ
#include "daemon/cluster_role.hpp"
#endif

namespace postofficed {
namespace {

// The parts check their own options when they are built; on a loop that is never started they do
// nothing else. `shown`: what they may quote.
template <typename Build>
void check(const char* name, const std::string& shown, std::vector<std::string>& problems,
           const Build& build) {
  try {
    build();
  } catch (const std::invalid_argument& error) {
    problems.push_back(std::string(name) + ": " + redact_in(error.what(), shown));
  }
}

std::vector<std::string> check_parts(const Options& options) {
  std::vector<std::string> problems;
  postoffice::EventLoop loop;
  check("listen", options.listen, problems, [&] {
    postoffice::HttpIngressOptions ingress;
    ingress.listen = options.listen;
    postoffice::HttpIngress{ingress};
  });
  check("admin-listen", options.admin_listen, problems, [&] {
    postoffice::HttpServerOptions admin;
    admin.listen = options.admin_listen;
    postoffice::HttpServer(loop, admin, [](auto, auto) {});
  });
#ifdef POSTOFFICED_RABBITMQ
  check("queue", options.queue.url, problems, [&] {
    if (options.queue.kind == QueueLocation::Kind::file) return;
    rabbit_options(options).check_with_files();
  });
#endif
  check("source", options.source, problems, [&] {
    postoffice::HttpObjectSourceOptions source;
    source.url = options.source;
    postoffice::HttpObjectSource(loop, source);
  });
  if (options.store.kind == StoreLocation::Kind::postgres) {
    if (const auto store = make_store(options.store, false, loop, {}); !store)
      problems.push_back(store.error().message);
  }
  return problems;
}

}  // namespace

std::vector<std::string> find_mistakes(const Options& options) {
  auto problems = check_parts(options);
  for (const auto& failure :
       {check_role(options), check_listeners(options), check_admin(options, {})}) {
    if (failure) problems.push_back(failure.message);
  }
  return problems;
}

}  // namespace postofficed
