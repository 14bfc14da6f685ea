// A PostgreSQL server of a test's own, so that it can be harmed without harm to other tests.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/postgres.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

class Cluster {
 public:
  Cluster() : Cluster("start", {}) {}

  /// A standby that follows `primary`, without the primary waiting for it.
  explicit Cluster(const Cluster& primary) : Cluster("standby", primary.directory()) {}

  /// Checks nothing: a shared one goes after the last test.
  ~Cluster() {
    signal_all(SIGCONT);  // a test that froze it may have failed since
    const std::string command = "/bin/sh " POSTGRES_CLUSTER " remove " + directory();
    [[maybe_unused]] const int status = std::system(command.c_str());
  }

  /// May name more than one host, for whoever connects through it.
  const std::string& conninfo() const { return conninfo_; }
  std::string directory() const { return directory_ / "cluster"; }
  std::string port() const {
    const auto text = content_of(directory() + "/port");
    return text.substr(0, text.find('\n'));
  }

  void stop_at_once() { run("stop", "immediate"); }
  void start() { run("start"); }
  void promote() { run("promote"); }

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
    return run_sql(conninfo_ + " connect_timeout=3", text);
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
  Cluster(const std::string& what, const std::string& primary) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));  // its own user
    Arguments arguments{"/bin/sh", POSTGRES_CLUSTER, what, directory()};
    if (!primary.empty()) arguments.push_back(primary);
    Process start(arguments);
    const int code = start.exit_code(std::chrono::seconds(60));
    if (code == 77) skip_rest("PostgreSQL's server programs are not installed");
    INFO(start.err());
    REQUIRE(code == 0);
    conninfo_ = start.out().substr(0, start.out().find('\n'));
  }

  using Arguments = std::vector<std::string>;

  void run(const std::string& what, const std::string& mode = {}) {
    Arguments arguments{"/bin/sh", POSTGRES_CLUSTER, what, directory()};
    if (!mode.empty()) arguments.push_back(mode);
    CHECK(Process(arguments).exit_code(std::chrono::seconds(60)) == 0);
  }

  static pid_t parent_of(pid_t process) {
    const auto text = content_of("/proc/" + std::to_string(process) + "/stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > text.size()) return 0;
    return std::atoi(text.c_str() + name_end + 4);  // ") S 123": the state, the parent
  }

  TemporaryDirectory directory_;
  std::string conninfo_;
};

/// One server for all tests of a program that do it no harm; for each as new.
inline Cluster& shared_cluster() {
  static Cluster cluster;
  return cluster.emptied();
}

/// What the table holds of an object.
struct Row {
  bool online = false;
  std::int64_t last_seen = 0;  ///< microseconds since the epoch
};
using Rows = std::map<std::int64_t, Row>;

inline Rows rows(const Cluster& cluster) {
  const auto text = cluster.sql(
      "SELECT string_agg(concat_ws(' ', id, online::int, (extract(epoch FROM last_seen) * "
      "1000000)::bigint), E'\\n') FROM objects");
  Rows rows;
  std::istringstream lines(text);
  std::int64_t id = 0;
  for (Row row; lines >> id >> row.online >> row.last_seen;) rows[id] = row;
  return rows;
}

}  // namespace postoffice::testing
