// Poolers between the daemon and PostgreSQL: those that keep a session work, others are refused.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "integration/postofficed.hpp"
#include "poolers.hpp"
#include "support/has.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct Scene {
  Arguments arguments(const std::string& store) const {
    return {"--store", store, "--source", source.url()};
  }

  Outcome command(Arguments what, const std::string& store) const {
    what.insert(what.end(), {"--data-dir", data.path(), "--store", store});
    return run_postofficed(what);
  }

  bool stored(int count) const {
    return eventually([&] {
      const bool made = cluster.sql("SELECT to_regclass('objects')") == "objects";
      return made && cluster.sql("SELECT count(*) FROM objects") == std::to_string(count);
    });
  }

  Cluster& cluster = shared_cluster();
  Source source;
  TemporaryDirectory data;
};

const std::string words = "pool in session mode";

// Other clients that use the pool all the time.
class Crowd {
 public:
  explicit Crowd(const std::string& conninfo) {
    for (auto& member : members_) {
      member = std::thread([this, conninfo] {
        const std::unique_ptr<PGconn, decltype(&PQfinish)> session(PQconnectdb(conninfo.c_str()),
                                                                   &PQfinish);
        while (!done_) PQclear(PQexec(session.get(), "SELECT count(*) FROM pg_class"));
      });
    }
  }
  ~Crowd() {
    done_ = true;
    for (auto& member : members_) member.join();
  }

 private:
  std::atomic<bool> done_ = false;
  std::thread members_[3];
};

}  // namespace

TEST_CASE_FIXTURE(Scene,
                  "a pool that lends sessions out between transactions is refused, and kept "
                  "callbacks are stored once it no longer does") {
  PgBouncer pool(cluster);
  pool.run("statement");
  CHECK(command({"migrate"}, pool.conninfo()).code == 78);
  pool.run("transaction");
  const auto refused = command({"migrate"}, pool.conninfo());
  CHECK(refused.code == 78);
  CHECK(refused.err.find(words) != std::string::npos);
  {
    const Crowd crowd(pool.conninfo());
    for (int i = 0; i < 5; ++i) {
      const auto outcome = command({"validate", "--online"}, pool.conninfo());
      CHECK(outcome.code == 78);
      CHECK(outcome.err.find(words) != std::string::npos);
    }
  }
  CHECK(command({"validate"}, pool.conninfo()).code == 0);

  Daemon daemon(data.path(), arguments(pool.conninfo()));
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1,2,3").status == 202);
  CHECK(eventually([&] { return daemon.page("/healthz").body.find(words) != std::string::npos; }));
  CHECK(daemon.page("/healthz").status == 503);
  CHECK(daemon.page("/readyz").status == 200);
  // Each attempt has two sessions.
  const auto before = times(pool.log(), "login attempt");
  CHECK(eventually([&] { return times(pool.log(), "login attempt") >= before + 6; }));
  CHECK(times(daemon.process().err(), "warning PostgreSQL (127.0.0.1") == 1);  // the writing one
  CHECK(pool.sql("SHOW enable_seqscan") == "on");
  CHECK(pool.sql("SELECT count(*) FROM pg_prepared_statements") == "0");
  CHECK(cluster.sql("SELECT count(*) FROM pg_class WHERE relname = 'objects'") == "0");

  pool.run("session");
  CHECK(stored(3));
  CHECK(eventually([&] { return daemon.page("/healthz").status == 200; }));
  CHECK(eventually([&] { return daemon.said("connected to"); }));
}

TEST_CASE_FIXTURE(Scene,
                  "a pool in session mode serves two daemons; idle sessions that end are "
                  "no news") {
  PgBouncer pool(cluster);
  pool.run("session");
  cluster.sql("ALTER ROLE postoffice SET idle_session_timeout = '1s'");
  const auto tried = command({"validate", "--online", "--source", source.url()}, pool.conninfo());
  CHECK(tried.out.find("unreachable") == std::string::npos);
  CHECK(tried.code == 0);
  CHECK(command({"migrate"}, pool.conninfo()).code == 0);
  TemporaryDirectory other_data;
  Daemon one(data.path(), arguments(pool.conninfo()));
  Daemon other(other_data.path(), arguments(pool.conninfo()));
  REQUIRE(one.ready());
  REQUIRE(other.ready());
  for (int i = 0; i < 20; ++i) {
    CHECK(one.post(std::to_string(2 * i)).status == 202);
    CHECK(other.post(std::to_string(2 * i + 1)).status == 202);
  }
  CHECK(stored(40));
  for (int i = 0; i < 2; ++i) {
    // A read may meet the very end of its session, and is refused then.
    CHECK(eventually([&] { return one.page("/objects/1").status == 200; }));
    std::this_thread::sleep_for(1300ms);  // its reading session idles, and is ended
  }
  CHECK(one.page("/objects/1").status == 200);
  CHECK(one.page("/healthz").status == 200);
  CHECK(times(one.process().err(), " warning ") == 0);
  CHECK(times(other.process().err(), " warning ") == 0);
}

// pgpool-II 4.3 in raw mode begins a transaction of its own, and does not end it.
TEST_CASE_FIXTURE(Scene, "a pooler that does not end transactions is refused") {
  if (!std::filesystem::exists("/usr/sbin/pgpool")) return;
  const Pgpool pool(cluster);
  const std::string reason = "does not report where transactions end";
  Daemon daemon(data.path(), arguments(pool.conninfo()));
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1,2,3").status == 202);
  CHECK(eventually([&] { return daemon.page("/healthz").body.find(reason) != std::string::npos; }));
  CHECK(daemon.page("/healthz").status == 503);
  std::this_thread::sleep_for(1500ms);  // it has tried again and again
  CHECK(daemon.status("stored") == 0);
  CHECK(daemon.status("pending") == 3);
  CHECK(times(daemon.process().err(), reason) == 1);
}
