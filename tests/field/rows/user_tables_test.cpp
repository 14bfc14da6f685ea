// Partitions, columns and triggers that the user has made.
#include <doctest/doctest.h>

#include <sqlite3.h>

#include "live.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

void run_sqlite(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  sqlite3_open(path.c_str(), &database);
  sqlite3_busy_timeout(database, 5'000);
  CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::string reason_of(const std::string& path, int id) {
  sqlite3* database = nullptr;
  sqlite3_open(path.c_str(), &database);
  sqlite3_busy_timeout(database, 5'000);
  std::string reason;
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  const auto sql = "SELECT reason FROM dead_letters WHERE id = " + std::to_string(id);
  sqlite3_exec(database, sql.c_str(), take, &reason, nullptr);
  sqlite3_close(database);
  return reason;
}

const std::string partitioned =
    "CREATE TABLE objects (id bigint PRIMARY KEY, online boolean NOT NULL,"
    " last_seen timestamptz NOT NULL, fetched_at timestamptz NOT NULL, note text)"
    " PARTITION BY HASH (id);";

}  // namespace

TEST_CASE_FIXTURE(Live, "a partitioned table: rows of an earlier run go, too (S6)") {
  cluster.sql(partitioned);
  for (int part = 0; part < 3; ++part) {
    const std::string number = std::to_string(part);
    cluster.sql("CREATE TABLE objects_" + number +
                " PARTITION OF objects FOR VALUES WITH (MODULUS 3, REMAINDER " + number + ")");
  }
  begin("3s");
  std::string ids = "1000";
  for (int id = 1001; id < 1200; ++id) ids += "," + std::to_string(id);
  daemon->post(ids);
  REQUIRE(eventually([&] { return found().size() == 210; }));
  stop_sending();
  daemon.reset();  // a kill
  start_daemon("3s");
  daemon->post("1,2");
  CHECK(eventually([&] { return found().empty(); }, 12s));
}

TEST_CASE_FIXTURE(Live, "SQLite: an added column and a trigger that refuses one id (S4, S7)") {
  sqlite = data / "objects.db";
  store = "sqlite:" + sqlite;
  begin();
  run_sqlite(sqlite, "ALTER TABLE objects ADD COLUMN note TEXT");
  run_sqlite(sqlite, "ALTER TABLE dead_letters ADD COLUMN note TEXT");
  run_sqlite(sqlite,
             "CREATE TRIGGER never BEFORE INSERT ON objects WHEN new.id = 13"
             " BEGIN SELECT raise(ABORT, 'unlucky'); END");
  daemon->post("11,12,13,14");
  for (const int id : {11, 12, 14}) CHECK(gets_row(id));
  check_touched(2s, 0);
  CHECK(health_says("id 13", "unlucky"));
  CHECK(loses_row(11, 6s));
  CHECK(eventually([&] { return reason_of(sqlite, 13).find("unlucky") != std::string::npos; }));
  CHECK(well());
  check_identity();
}
