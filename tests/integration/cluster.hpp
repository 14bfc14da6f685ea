// A PostgreSQL server of a test's own, so that it can be harmed without harm to other tests.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/postgres.hpp"
#include "support/private_server.hpp"
#include "support/process.hpp"
#include "support/rows.hpp"

namespace postoffice::testing {

class Cluster {
 public:
  Cluster() : server_(POSTGRES_CLUSTER) {}

  /// A standby that follows `primary`, without the primary waiting for it.
  explicit Cluster(const Cluster& primary)
      : server_(POSTGRES_CLUSTER, "standby", {primary.directory()}) {}

  ~Cluster() { signal_all(SIGCONT); }  // a test that froze it may have failed since

  /// May name more than one host, for whoever connects through it.
  const std::string& conninfo() const { return server_.address(); }
  std::string directory() const { return server_.directory(); }
  std::string port() const {
    const auto text = content_of(directory() + "/port");
    return text.substr(0, text.find('\n'));
  }

  void stop_at_once() { server_.run("stop", {"immediate"}); }
  void start() { server_.run("start"); }
  void promote() { server_.run("promote"); }

  /// The server and all its processes.
  std::vector<pid_t> processes() const {
    std::vector<pid_t> found;
    std::istringstream file(content_of(directory() + "/data/postmaster.pid"));
    pid_t server = 0;
    if (!(file >> server)) return found;
    found.push_back(server);
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const pid_t process = std::atoi(entry.path().filename().c_str());
      if (process > 0 && parent_of(process) == server) found.push_back(process);
    }
    return found;
  }

  void signal_all(int number) const {
    for (const pid_t process : processes()) kill(process, number);
  }

  std::string sql(const std::string& text) const {
    return run_sql(conninfo() + " connect_timeout=3", text);
  }

  /// As new: no tables, no settings of the role, nobody connected.
  Cluster& emptied() {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
    sql("DROP SCHEMA public CASCADE");
    sql("CREATE SCHEMA public");
    sql("ALTER ROLE postoffice RESET ALL");
    return *this;
  }

 private:
  static pid_t parent_of(pid_t process) {
    const auto text = content_of("/proc/" + std::to_string(process) + "/stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > text.size()) return 0;
    return std::atoi(text.c_str() + name_end + 4);  // ") S 123": the state, the parent
  }

  PrivateServer server_;
};

/// One server for all tests of a program that do it no harm; for each as new.
inline Cluster& shared_cluster() {
  static Cluster cluster;
  return cluster.emptied();
}

inline Rows rows(const Cluster& cluster) {
  return postgres_rows(cluster.conninfo() + " connect_timeout=3");
}

}  // namespace postoffice::testing
