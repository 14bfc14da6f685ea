#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/event_log.hpp"
#include "support/has.hpp"
#include "support/postgres.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {
namespace {

// A login that owns nothing, and goes away with the object.
class Role {
 public:
  Role(const std::string& name, const PostgresSchema& schema) : name_(name) {
    run_sql(postgres_conninfo(), "DROP ROLE IF EXISTS " + name);
    run_sql(postgres_conninfo(), "CREATE ROLE " + name + " LOGIN PASSWORD 'sesame'");
    schema.run("GRANT USAGE ON SCHEMA " + schema.name() + " TO " + name);
  }

  ~Role() { run_sql(postgres_conninfo(), "DROP OWNED BY " + name_ + "; DROP ROLE " + name_); }

 private:
  std::string name_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("migrating twice is migrating once") {
  PostgresSchema schema;
  CHECK_FALSE(migrate_postgres(schema.conninfo()));
  schema.run("INSERT INTO objects VALUES (1, true, now(), now())");
  const auto again = migrate_postgres(schema.conninfo());
  CHECK_FALSE(again.code);
  CHECK(again.message.empty());
  CHECK(schema.run("SELECT count(*) FROM online_objects") == "1");
}

TEST_CASE("a server is asked what a user may do there, and nothing is changed") {
  PostgresSchema schema;
  const auto look = [](const std::string& conninfo) {
    const auto facts = look_at_postgres(conninfo);
    REQUIRE_MESSAGE(facts, (facts ? std::string() : facts.error().text()));
    return *facts;
  };
  const auto before = look(schema.conninfo());
  CHECK(before.schema == schema.name());
  CHECK_FALSE(before.version.empty());
  CHECK_FALSE(before.has_tables);
  CHECK(before.may_create_tables);
  CHECK_FALSE(before.read_only);
  REQUIRE_FALSE(migrate_postgres(schema.conninfo()));
  const auto after = look(schema.conninfo());
  CHECK(after.has_tables);
  CHECK(after.may_use_tables);

  const Role role("postoffice_test_onlooker", schema);
  const auto as_role = schema.conninfo() + " user=postoffice_test_onlooker password=sesame";
  CHECK(look(as_role).has_tables);
  CHECK_FALSE(look(as_role).may_use_tables);
  CHECK_FALSE(look(as_role).may_create_tables);
  schema.run("GRANT SELECT, INSERT, UPDATE ON objects TO postoffice_test_onlooker");
  CHECK_FALSE(look(as_role).may_use_tables);
  schema.run("GRANT DELETE ON objects TO postoffice_test_onlooker");
  CHECK(look(as_role).may_use_tables);
  CHECK_FALSE(look_at_postgres("host=127.0.0.1 port=1"));
}

TEST_CASE("four processes may migrate at the same time") {
  for (int round = 0; round < 5; ++round) {
    PostgresSchema schema;
    std::vector<Failure> results(4);
    std::vector<std::thread> threads;
    for (Failure& result : results) {
      threads.emplace_back([&] { result = migrate_postgres(schema.conninfo()); });
    }
    for (auto& thread : threads) thread.join();
    for (const Failure& result : results) CHECK_MESSAGE(!result.code, result.message);
    CHECK(schema.run("SELECT count(*) FROM postoffice_schema") == "1");
  }
}

TEST_CASE("a schema that is newer is refused and left alone") {
  PostgresSchema schema;
  REQUIRE_FALSE(migrate_postgres(schema.conninfo()));
  schema.run("UPDATE postoffice_schema SET version = 99");
  const auto result = migrate_postgres(schema.conninfo());
  CHECK(result.code == Error::schema);
  CHECK(has(result.message, "99"));
  CHECK(schema.run("SELECT version FROM postoffice_schema") == "99");
}

// As version 1 made them.
constexpr const char* version_1 = R"(
  CREATE TABLE objects (id bigint PRIMARY KEY, online boolean NOT NULL,
                        last_seen timestamptz NOT NULL, fetched_at timestamptz NOT NULL);
  CREATE VIEW online_objects AS SELECT id, last_seen, fetched_at FROM objects WHERE online;
  CREATE TABLE dead_letters (id bigint PRIMARY KEY, received_at timestamptz NOT NULL,
                             failed_at timestamptz NOT NULL, attempts int NOT NULL,
                             reason text NOT NULL);
  CREATE TABLE postoffice_expiry (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                                  cutoff timestamptz NOT NULL);
  INSERT INTO postoffice_expiry (cutoff) VALUES ('2020-01-01');
  CREATE TABLE postoffice_removed (id bigint PRIMARY KEY, fetched_at timestamptz NOT NULL);
  CREATE TABLE postoffice_schema (version int PRIMARY KEY);
  INSERT INTO postoffice_schema VALUES (1);
  INSERT INTO objects VALUES (1, true, '2021-01-01', '2021-01-01');
)";

TEST_CASE("a schema of version 1 is upgraded, with what is in it") {
  PostgresSchema schema;
  schema.run(version_1);
  std::vector<Failure> results(3);
  std::vector<std::thread> threads;
  for (Failure& result : results) {
    threads.emplace_back([&] { result = migrate_postgres(schema.conninfo()); });
  }
  for (auto& thread : threads) thread.join();
  for (const Failure& result : results) CHECK_MESSAGE(!result.code, result.message);
  CHECK(schema.run("SELECT version FROM postoffice_schema") == "3");
  CHECK(schema.run("SELECT cutoff = '2020-01-01' AND last_epoch = 0 FROM postoffice_expiry") ==
        "t");
  EventLoop loop;
  loop.start();
  PostgresObjectStoreOptions options{.conninfo = schema.conninfo(), .migrate = false};
  options.instance = PostgresInstance{.publisher = 1, .name = "a"};
  PostgresObjectStore store(loop, options);
  CHECK(find(store).size() == 1);
  apply(store, {.touches = {{1, at(1)}}});
  CHECK(schema.run("SELECT count(*) FROM postoffice_instances") == "1");
}

TEST_CASE("a table of another program with our name is refused") {
  PostgresSchema schema;
  schema.run("CREATE TABLE objects (something text)");
  const auto result = migrate_postgres(schema.conninfo());
  CHECK(result.code == Error::schema);
  CHECK(has(result.message, "objects"));
  CHECK(schema.run("SELECT to_regclass('dead_letters') IS NULL") == "t");
}

TEST_CASE("a missing right to create is named, and is not needed afterwards") {
  PostgresSchema schema;
  Role role("limited", schema);
  const std::string conninfo = schema.conninfo("user=limited");
  const auto refused = migrate_postgres(conninfo);
  CHECK(refused.code == Error::permission);
  CHECK(has(refused.message, schema.name()));
  CHECK_FALSE(has(refused.message, "\n"));

  CHECK_FALSE(migrate_postgres(schema.conninfo()));
  schema.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema.name() +
             " TO limited");
  CHECK_FALSE(migrate_postgres(conninfo));
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, {.conninfo = conninfo});
  apply(store, {.answers = {{1, true, at(1), at(2)}}});
  CHECK(find(store).size() == 1);
}

TEST_CASE("a wrong password is an authentication error that does not show the password") {
  PostgresSchema schema;
  Role role("guarded", schema);
  const auto wrong = migrate_postgres(schema.conninfo("user=guarded password=opensaysme"));
  CHECK(wrong.code == Error::authentication);
  CHECK(has(wrong.message, "guarded"));
  CHECK_FALSE(has(wrong.message, "opensaysme"));
  CHECK_FALSE(has(wrong.message, "\n"));
  CHECK(migrate_postgres(schema.conninfo("user=guarded")).code == Error::authentication);

  EventLog log;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, {.conninfo = schema.conninfo("user=guarded password=opensaysme")},
                            log.log());
  CHECK(try_apply(store, {.cleared = {1}}).error == Error::authentication);
  CHECK(log.count("password authentication failed") == 1);
  CHECK_FALSE(has(log.all(), "opensaysme"));
}

TEST_CASE("a server that does not run is Error::unavailable") {
  const auto result = migrate_postgres("host=127.0.0.1 port=1 dbname=x user=y");
  CHECK(result.code == Error::unavailable);
  CHECK(has(result.message, "127.0.0.1:1"));
}

TEST_CASE("an invalid conninfo is refused without quoting it") {
  const std::string bad = "postgresql://user:sesame@[bad";
  const auto result = migrate_postgres(bad);
  CHECK(result.code == Error::bad_options);
  CHECK_FALSE(has(result.message, "sesame"));
  EventLoop loop;
  CHECK_THROWS_AS(PostgresObjectStore(loop, {.conninfo = bad}), std::invalid_argument);
}

TEST_CASE("a store that must not migrate says what is missing and starts when it is there") {
  PostgresSchema schema;
  EventLog log;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, {.conninfo = schema.conninfo(), .migrate = false}, log.log());
  CHECK(try_apply(store, {.cleared = {1}}).error == Error::schema);
  CHECK(log.count("run the migration") == 1);
  CHECK_FALSE(migrate_postgres(schema.conninfo()));
  apply_until_done(store, {.answers = {{1, true, at(1), at(2)}}});
  CHECK(schema.run("SELECT count(*) FROM objects") == "1");
}

}  // namespace
}  // namespace postoffice::testing
