// PostgreSQL runs but refuses: locks, ended sessions, no connections, read-only, short time limits.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "fault/trouble.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

const std::string of_daemon = " FROM pg_stat_activity WHERE application_name LIKE 'postoffice-%'";

/// A connection that stands in the way of others.
class Idler {
 public:
  explicit Idler(const Cluster& cluster)
      : session_(PQconnectdb((cluster.conninfo() + " connect_timeout=3").c_str()), &PQfinish) {}
  bool connected() const { return PQstatus(session_.get()) == CONNECTION_OK; }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
};

struct Refusals : Trouble {
  std::uint64_t failures() const { return daemon->status("store_failures"); }

  /// Does something to the server again and again while the daemon must live with it: for two
  /// seconds, and until it has hit the daemon, which is between two statements most of the time.
  void storm(const std::string& sql) {
    const auto before = failures();
    const auto start = std::chrono::steady_clock::now();
    const auto lasted = [&] { return std::chrono::steady_clock::now() - start; };
    while (lasted() < 2s || (failures() == before && lasted() < 30s)) {
      cluster.sql(sql);
      std::this_thread::sleep_for(20ms);  // the strength of the storm
    }
    CHECK(failures() > before);
    check_heals();
  }

  void lock_table() {
    const auto before = failures();
    std::thread other([&] {
      cluster.sql("BEGIN; LOCK TABLE objects IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(7); COMMIT");
    });
    CHECK(eventually([&] { return failures() > before; }));  // lock_timeout is 5 s
    CHECK(daemon->page("/readyz").status == 200);
    other.join();
    check_heals();
  }

  // A superuser may take the reserved connections too.
  void take_all_connections() {
    std::vector<std::unique_ptr<Idler>> idlers;
    const auto take = [&] {
      for (;;) {
        auto idler = std::make_unique<Idler>(cluster);
        if (!idler->connected()) return;
        idlers.push_back(std::move(idler));
      }
    };
    {
      // One that is already in: later nobody can tell the server anything.
      const auto name = cluster.conninfo() + " connect_timeout=3";
      const std::unique_ptr<PGconn, decltype(&PQfinish)> inside(PQconnectdb(name.c_str()),
                                                                &PQfinish);
      REQUIRE(PQstatus(inside.get()) == CONNECTION_OK);
      const auto until = std::chrono::steady_clock::now() + 3s;
      take();
      REQUIRE(eventually([&] {
        PQclear(PQexec(inside.get(), ("SELECT pg_terminate_backend(pid)" + of_daemon).c_str()));
        take();
        return !up() && daemon->said("too many clients");
      }));
      while (std::chrono::steady_clock::now() < until) take();
    }
    CHECK(daemon->page("/readyz").status == 200);
    idlers.clear();
    check_heals();
  }

  void read_only() {
    cluster.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.sql("SELECT pg_reload_conf()");
    CHECK(noticed());
    std::this_thread::sleep_for(2s);  // the length of the fault
    CHECK(daemon->said("read-only"));
    const std::string writing = cluster.conninfo() + " options=-cdefault_transaction_read_only=off";
    run_sql(writing, "ALTER SYSTEM RESET default_transaction_read_only");
    run_sql(writing, "SELECT pg_reload_conf()");
    check_heals();
  }

  // A database's own time limit must not be taken for the daemon's.
  void little_time() {
    const std::string at_leisure = cluster.conninfo() + " options=-cstatement_timeout=0";
    cluster.sql("ALTER DATABASE postgres SET statement_timeout = '3ms'");
    run_sql(at_leisure, "SELECT pg_terminate_backend(pid)" + of_daemon);
    check_heals();
    run_sql(at_leisure, "ALTER DATABASE postgres RESET statement_timeout");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Refusals, "PostgreSQL refuses in every way, one after the other (S1, S4, S9)") {
  begin();
  const int rounds = trials(1);
  for (int round = 0; round < rounds; ++round) {
    lock_table();
    storm("SELECT pg_terminate_backend(pid)" + of_daemon);
    storm("SELECT pg_cancel_backend(pid)" + of_daemon + " AND state = 'active'");
    take_all_connections();
    read_only();
    little_time();
  }
  end("PostgreSQL refused " + std::to_string(rounds * 6) + " times");
}
