#include <doctest/doctest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/sqlite_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/event_log.hpp"
#include "support/store_calls.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Another program that has the file open.
class Program {
 public:
  explicit Program(const std::filesystem::path& path) { sqlite3_open(path.c_str(), &handle_); }
  ~Program() { sqlite3_close(handle_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool run(const std::string& sql) {
    return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }

  std::int64_t number(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const auto value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// Where a database may be.
struct Place {
  TemporaryDirectory directory;
  const std::string path = directory / "objects.db";
};

const Changes one_row{.answers = {{1, true, at(1), at(2)}}};

TEST_CASE_FIXTURE(Place, "other programs read the file while the store has it open") {
  SqliteObjectStore store({path});
  apply(store, one_row);
  Program program(path);
  CHECK(program.number("SELECT count(*) FROM online_objects") == 1);
  CHECK(program.number("SELECT last_seen FROM objects") == at(1).time_since_epoch().count());
}

TEST_CASE("a directory that is missing is waited for") {
  TemporaryDirectory directory;
  EventLog log;
  const auto folder = directory / "later";
  SqliteObjectStore store({folder + "/objects.db"}, log.log());
  for (int time = 0; time < 5; ++time) {
    CHECK(try_apply(store, one_row).error == Error::unavailable);
  }
  CHECK(log.count("unable to open") == 1);
  std::filesystem::create_directory(folder);
  apply_until_done(store, one_row);
  CHECK(find(store).size() == 1);
  CHECK(log.count("works again") == 1);
}

TEST_CASE("a file that was deleted is not written to any more") {
  TemporaryDirectory directory;
  const auto folder = directory / "data";
  std::filesystem::create_directory(folder);
  SqliteObjectStore store({folder + "/objects.db"});
  apply(store, one_row);
  std::filesystem::remove_all(folder);
  CHECK(try_apply(store, one_row).error);
  std::filesystem::create_directory(folder);
  apply_until_done(store, one_row);
  Program program(folder + "/objects.db");
  CHECK(program.number("SELECT count(*) FROM objects") == 1);
}

TEST_CASE_FIXTURE(Place, "a file that is no database is refused, and left alone") {
  std::filesystem::copy_file("/proc/self/exe", path);
  const auto size = std::filesystem::file_size(path);
  SqliteObjectStore store({path});
  CHECK(try_apply(store, one_row).error == Error::corrupt);
  const auto failure = migrate_sqlite(path);
  CHECK(failure.code == Error::corrupt);
  CHECK(failure.message.find(path) != std::string::npos);
  CHECK(std::filesystem::file_size(path) == size);
}

TEST_CASE_FIXTURE(Place, "a schema that is newer is refused") {
  REQUIRE_FALSE(migrate_sqlite(path));
  REQUIRE_FALSE(migrate_sqlite(path));
  REQUIRE(Program(path).run("UPDATE postoffice_schema SET version = 99"));
  const auto failure = migrate_sqlite(path);
  CHECK(failure.code == Error::schema);
  CHECK(failure.message.find("99") != std::string::npos);
  SqliteObjectStore store({path});
  const auto refused = try_apply(store, one_row);
  CHECK(refused.error == Error::schema);
  CHECK(refused.value.failure.reason.find("99") != std::string::npos);
}

TEST_CASE_FIXTURE(Place, "four processes may migrate at the same time") {
  std::vector<std::future<Failure>> results;
  for (int process = 0; process < 4; ++process) {
    results.push_back(std::async(std::launch::async, [&] { return migrate_sqlite(path); }));
  }
  for (auto& result : results) CHECK_FALSE(result.get());
}

TEST_CASE_FIXTURE(Place, "a lock of another program delays a write, and no listing") {
  SqliteObjectStore store({path});
  apply(store, one_row);
  Program program(path);
  REQUIRE(program.run("BEGIN IMMEDIATE"));
  auto waiting = begin_apply(store, {.touches = {{1, at(5)}}});
  CHECK(find(store).size() == 1);
  CHECK(waiting.wait_for(0s) == std::future_status::timeout);
  REQUIRE(program.run("COMMIT"));
  CHECK_FALSE(finish_call(waiting).error);
  CHECK(find_one(store, 1)->last_seen == at(5));
}

TEST_CASE_FIXTURE(Place, "a lock that is held too long fails the write in time") {
  SqliteObjectStore store({path});
  apply(store, one_row);
  Program program(path);
  REQUIRE(program.run("BEGIN IMMEDIATE"));
  const auto start = Clock::now();
  CHECK(try_apply(store, one_row).error == Error::unavailable);
  CHECK(Clock::now() - start < 8s);
  REQUIRE(program.run("COMMIT"));
  apply(store, one_row);
}

TEST_CASE_FIXTURE(Place, "destroying the store does not wait for a lock, and fails what waits") {
  auto store = std::make_unique<SqliteObjectStore>(SqliteObjectStoreOptions{path});
  apply(*store, one_row);
  Program program(path);
  REQUIRE(program.run("BEGIN IMMEDIATE"));
  std::vector<std::future<Outcome<Applied>>> calls;
  for (int call = 0; call < 3; ++call) calls.push_back(begin_apply(*store, one_row));
  const auto start = Clock::now();
  store.reset();
  CHECK(Clock::now() - start < 2s);
  for (auto& call : calls) {
    CHECK(call.wait_for(0s) == std::future_status::ready);
    CHECK(call.get().error);
  }
}

TEST_CASE_FIXTURE(Place, "a trigger that refuses one row takes nothing from the others") {
  REQUIRE_FALSE(migrate_sqlite(path));
  Program program(path);
  REQUIRE(
      program.run("CREATE TRIGGER refuse BEFORE INSERT ON objects WHEN new.id = 13"
                  " BEGIN SELECT raise(ABORT, 'refused'); END"));
  SqliteObjectStore store({path});
  const Changes both{.answers = {{12, true, at(1), at(2)}, {13, true, at(1), at(2)}}};
  const auto applied = apply(store, both);
  REQUIRE(applied.refused.size() == 1);
  CHECK(applied.refused[0].code == "SQLITE_CONSTRAINT_TRIGGER");
  CHECK(find(store).size() == 1);
  REQUIRE(program.run("DROP TRIGGER refuse"));
  apply_until_done(store, both);
  CHECK(find(store).size() == 2);
}

TEST_CASE("an empty path is refused at once") {
  CHECK_THROWS_AS(SqliteObjectStore({""}), std::invalid_argument);
}

}  // namespace
}  // namespace postoffice::testing
