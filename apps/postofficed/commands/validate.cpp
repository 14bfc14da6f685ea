#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "commands/commands.hpp"
#include "daemon/admin_access.hpp"
#include "daemon/role.hpp"
#include "http/server/http_server.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "support/data_directory.hpp"
#include "support/stores.hpp"
#ifdef POSTOFFICED_RABBITMQ
#include "daemon/cluster_role.hpp"
#endif

namespace postofficed {
namespace {

// The parts check their own options when they are built; on a loop that is never started they do
// nothing else.
template <typename Build>
void check(const char* name, std::vector<std::string>& problems, const Build& build) {
  try {
    build();
  } catch (const std::invalid_argument& error) {
    problems.push_back(std::string(name) + ": " + error.what());
  }
}

std::vector<std::string> check_parts(const Options& options) {
  std::vector<std::string> problems;
  postoffice::EventLoop loop;
  check("listen", problems, [&] {
    postoffice::HttpIngressOptions ingress;
    ingress.listen = options.listen;
    postoffice::HttpIngress{ingress};
  });
  check("admin-listen", problems, [&] {
    postoffice::HttpServerOptions admin;
    admin.listen = options.admin_listen;
    postoffice::HttpServer(loop, admin, [](auto, auto) {});
  });
#ifdef POSTOFFICED_RABBITMQ
  check("queue", problems, [&] {
    if (options.queue.kind == QueueLocation::Kind::file) return;
    rabbit_options(options).check_with_files();
  });
#endif
  check("source", problems, [&] {
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

void check_places(const Options& options, std::vector<std::string>& problems) {
  if (const auto failure = check_data_directory(options.data_dir))
    problems.push_back(failure.message);
  if (options.store.kind != StoreLocation::Kind::sqlite) return;
  const auto directory = std::filesystem::path(options.store.target).parent_path();
  const bool ours = options.store.target.rfind(options.data_dir + "/", 0) == 0;
  if (!ours && !directory.empty() && !std::filesystem::is_directory(directory)) {
    problems.push_back("store: there is no directory " + directory.string());
  }
}

}  // namespace

Failure validate(const ParsedOptions& parsed) {
  auto problems = check_parts(parsed.options);
  check_places(parsed.options, problems);
  if (const auto together = check_role(parsed.options)) problems.push_back(together.message);
  if (const auto admin = check_admin(parsed.options, {})) problems.push_back(admin.message);
  for (const auto& option : parsed.shown) {
    std::printf("%-18s %s  (%s)\n", option.name.c_str(), option.value.c_str(),
                option.origin.c_str());
  }
  if (problems.empty()) {
    if (parsed.options.online) {
      if (const auto failure = check_store(parsed.options.store))
        return {failure.code, "store: " + failure.text()};
    }
    std::printf("configuration is valid\n");
    return {};
  }
  std::string message = problems.front();
  for (std::size_t i = 1; i < problems.size(); ++i) message += "\npostofficed: " + problems[i];
  return {ExitCode::configuration, message};
}

}  // namespace postofficed
