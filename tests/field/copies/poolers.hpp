// Real poolers before a test's PostgreSQL.
#pragma once

#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "integration/cluster.hpp"
#include "support/free_port.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

/// A pooler refuses to run as root.
inline void be_nobody() {
  if (getuid() != 0) return;
  const passwd* user = getpwnam("nobody");
  if (!user || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(126);
}

class Pooler {
 public:
  /// Waits until it takes connections.
  Pooler(const std::string& program, const std::string& port, Process::Setup setup,
         const std::vector<std::string>& arguments, int stop_at_once)
      : port_(port), stop_at_once_(stop_at_once) {
    if (!std::filesystem::exists(program)) skip_rest(program + " is not installed");
    std::vector<std::string> command{program};
    command.insert(command.end(), arguments.begin(), arguments.end());
    process_ = std::make_unique<Process>(command, setup);
    const bool up = eventually([this] {
      try {
        return run_sql(conninfo() + " connect_timeout=2", "SELECT 1") == "1";
      } catch (const std::runtime_error&) {
        return false;
      }
    });
    INFO(process_->err());
    REQUIRE(up);
  }

  std::string conninfo() const {
    return "host=127.0.0.1 port=" + port_ + " user=postoffice dbname=postgres";
  }

  std::string log() const { return process_->err(); }

  ~Pooler() {
    process_->signal(stop_at_once_);
    process_->exit_code(std::chrono::seconds(5));
  }

 private:
  const std::string port_;
  const int stop_at_once_;  // without waiting for clients to leave
  std::unique_ptr<Process> process_;
};

/// A directory that a pooler may read its files in.
struct OpenDirectory : TemporaryDirectory {
  OpenDirectory() { std::filesystem::permissions(path(), std::filesystem::perms(0777)); }
};

class PgBouncer {
 public:
  explicit PgBouncer(const Cluster& cluster) : cluster_(cluster) {}

  /// Anew with this pool_mode, on the same port.
  void run(const std::string& mode, const std::string& more = {}) {
    pooler_.reset();
    std::ofstream file(directory_ / "pgbouncer.ini");
    file << "[databases]\npostgres = host=127.0.0.1 port=" << cluster_.port()
         << " user=postoffice\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
         << "\nauth_type = any\nunix_socket_dir =\npool_mode = " << mode << "\n"
         << more << "\n";
    file.close();
    pooler_ =
        std::make_unique<Pooler>("/usr/sbin/pgbouncer", port_, be_nobody,
                                 std::vector<std::string>{directory_ / "pgbouncer.ini"}, SIGTERM);
  }

  std::string conninfo() const { return pooler_->conninfo(); }
  std::string sql(const std::string& text) const { return run_sql(conninfo(), text); }
  std::string log() const { return pooler_->log(); }

 private:
  const Cluster& cluster_;
  OpenDirectory directory_;
  const std::string port_ = std::to_string(free_port());
  std::unique_ptr<Pooler> pooler_;
};

class Pgpool {
 public:
  explicit Pgpool(const Cluster& cluster) {
    std::ofstream(directory_ / "pool_hba.conf") << "host all all 127.0.0.1/32 trust\n";
    std::ofstream(directory_ / "pcp.conf").flush();
    std::ofstream file(directory_ / "pgpool.conf");
    file << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\npcp_listen_addresses = ''\n"
         << "pcp_port = " << std::to_string(free_port()) << "\nunix_socket_directories = '"
         << directory_.path() << "'\nsocket_dir = '" << directory_.path() << "'\npcp_socket_dir = '"
         << directory_.path() << "'\nwd_ipc_socket_dir = '" << directory_.path()
         << "'\nbackend_hostname0 = '127.0.0.1'\nbackend_port0 = " << cluster.port()
         << "\nbackend_clustering_mode = 'raw'\nnum_init_children = 8\n"
         << "pid_file_name = '" << (directory_ / "pid") << "'\nlogdir = '" << directory_.path()
         << "'\nenable_pool_hba = on\nsr_check_period = 0\n";
    file.close();
    pooler_ = std::make_unique<Pooler>(
        "/usr/sbin/pgpool", port_, be_nobody,
        std::vector<std::string>{"-n", "-f", directory_ / "pgpool.conf", "-a",
                                 directory_ / "pool_hba.conf", "-F", directory_ / "pcp.conf"},
        SIGINT);
  }

  std::string conninfo() const { return pooler_->conninfo(); }

 private:
  OpenDirectory directory_;
  const std::string port_ = std::to_string(free_port());
  std::unique_ptr<Pooler> pooler_;
};

}  // namespace postoffice::testing
