// Lists of hosts, sessions that the server ends, passwords that change.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "fault/relay.hpp"
#include "integration/cluster.hpp"
#include "integration/postofficed.hpp"
#include "pages.hpp"
#include "support/source.hpp"

namespace postoffice::testing {
namespace {

using namespace std::chrono_literals;

// Accepts connections into its backlog, and never answers.
class SilentServer {
 public:
  SilentServer() : listener_(Relay::listen_on(INADDR_LOOPBACK)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(listener_); }
  std::string port() const { return std::to_string(port_); }

 private:
  int listener_;
  std::uint16_t port_;
};

bool has_row(const Cluster& cluster, std::int64_t id) {
  try {
    return rows(cluster).contains(id);
  } catch (const std::runtime_error&) {
    return false;  // no table yet
  }
}

TEST_CASE("A4: a host that accepts but does not answer is skipped after connect_timeout") {
  Cluster& cluster = shared_cluster();
  SilentServer silent;
  Source source;
  TemporaryDirectory data;
  const std::string store = "host=127.0.0.1,127.0.0.1 port=" + silent.port() + "," +
                            cluster.port() + " user=postoffice dbname=postgres connect_timeout=2";
  Daemon daemon(data.path(), {"--store", store, "--source", source.url()});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1").status == 202);
  // 2 s, and as long again; the rest is for a busy machine.
  CHECK(eventually([&] { return has_row(cluster, 1); }, 8s));
  CHECK(daemon.said("127.0.0.1:" + cluster.port()) == daemon.said("PostgreSQL ("));
}

TEST_CASE("A4: idle sessions that the server ends are not logged each time") {
  Cluster& cluster = shared_cluster();
  cluster.sql("ALTER ROLE postoffice SET idle_session_timeout = '1500ms'");
  Source source;
  TemporaryDirectory data;
  Daemon daemon(data.path(), {"--store", cluster.conninfo(), "--source", source.url()});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1").status == 202);
  REQUIRE(eventually([&] { return has_row(cluster, 1); }));
  const auto sessions = [&] {
    return std::stoi(cluster.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'postoffice%'"));
  };
  for (int round = 0; round < 2; ++round) {
    REQUIRE(daemon.page("/objects/1").status == 200);
    // Closed, and not opened unasked: one is left, which writes.
    CHECK(eventually([&] { return sessions() == 1; }, 5s));
  }
  const auto log = daemon.process().err();
  CHECK(count_in(log, "57P05") == 1);
  CHECK_MESSAGE(count_in(log, "PostgreSQL (reading)") == 1, log);
}

TEST_CASE("D4: a password that was rotated is used after SIGHUP, without a restart") {
  Cluster& cluster = shared_cluster();
  cluster.sql("CREATE ROLE rotated SUPERUSER LOGIN PASSWORD 'first'");
  const std::string rules = cluster.directory() + "/data/pg_hba.conf";
  const std::string before = content_of(rules);
  std::ofstream(rules, std::ios::trunc) << "host all rotated all scram-sha-256\n" << before;
  cluster.sql("SELECT pg_reload_conf()");
  Source source;
  TemporaryDirectory data;
  TemporaryDirectory secrets;
  const auto conninfo = [&](const std::string& password) {
    return "host=127.0.0.1 port=" + cluster.port() +
           " dbname=postgres user=rotated password=" + password;
  };
  std::ofstream(secrets / "store") << conninfo("first");
  Daemon daemon(data.path(), {"--store-file", secrets / "store", "--source", source.url()});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1").status == 202);
  REQUIRE(eventually([&] { return has_row(cluster, 1); }));

  cluster.sql("ALTER ROLE rotated PASSWORD 'second'");
  cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'");
  CHECK(eventually([&] { return store_is_down(daemon); }, 6s));
  CHECK(daemon.page("/healthz").body.find("password authentication failed") != std::string::npos);
  CHECK(daemon.post("2").status == 202);
  std::ofstream(secrets / "store", std::ios::trunc) << conninfo("second");
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return has_row(cluster, 2); }, 10s));
  CHECK(eventually([&] { return store_is_up(daemon); }, 5s));
  CHECK(eventually([&] { return daemon.said("store: new credentials"); }));
  CHECK_FALSE(daemon.said("second"));
}

TEST_CASE("A4: an unknown option of a conninfo is named, and half a password is not") {
  const auto outcome =
      run_postofficed({"validate", "--store", "host=db conect_timeout=2 password=geheim"});
  CHECK(outcome.code == 78);
  CHECK(outcome.err.find("\"conect_timeout\"") != std::string::npos);
  const auto half = run_postofficed({"validate", "--store", "host=db password=half Geheim"});
  CHECK(half.code == 78);
  CHECK(half.err.find("Geheim") == std::string::npos);
}

}  // namespace
}  // namespace postoffice::testing
