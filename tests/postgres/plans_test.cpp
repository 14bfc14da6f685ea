// Whatever the statistics say: rows are looked up by their keys.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "postgres/statements.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/postgres.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {
namespace {

using Session = std::unique_ptr<PGconn, decltype(&PQfinish)>;

// Of each statement that finds rows of given ids; what to give it.
struct Lookup {
  postgres::Statement statement;
  const char* given;
};
const std::vector<Lookup> lookups{
    {postgres::Statement::touch, "'{1,2}', '{now,now}'"},
    {postgres::Statement::missing, "'{1,2}'"},
    {postgres::Statement::update, "'{1,2}', '{t,t}', '{now,now}', '{now,now}'"},
    {postgres::Statement::create, "'{1,2}', '{t,t}', '{now,now}', '{now,now}', 'now'"},
    {postgres::Statement::remove, "'{1,2}', '{now,now}', '{now,now}'"},
    {postgres::Statement::clear_dead_letters, "'{1,2}'"},
    {postgres::Statement::expire_ids, "'{1,2}', 'now', '1 s'"},
    {postgres::Statement::expire_pages, "'now', '(0,0)', '(9,0)', '1 s'"},
    {postgres::Statement::expire_pages_and_tell, "'now', '(0,0)', '(9,0)', '1 s'"},
};

std::string text_of(const Session& session, const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(session.get(), sql.c_str()),
                                                             &PQclear);
  REQUIRE_MESSAGE(PQresultStatus(result.get()) < PGRES_BAD_RESPONSE, PQerrorMessage(session.get()));
  std::string text;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    text += PQgetvalue(result.get(), row, 0) + std::string("\n");
  }
  return text;
}

/// Plans as the store's own session makes them, with the tables as they are now.
void check_plans(const PostgresSchema& schema, const std::string& what) {
  const Session session(PQconnectdb(schema.conninfo().c_str()), &PQfinish);
  text_of(session, postgres::session_settings(10'000) + "SET postoffice.unmatched = '1';");
  for (const Lookup& lookup : lookups) {
    const std::string name = postgres::text_of(lookup.statement).name;
    text_of(session, "PREPARE " + name + " AS " + postgres::text_of(lookup.statement).sql);
    const std::string plan = text_of(session, "EXPLAIN EXECUTE " + name + "(" + lookup.given + ")");
    CAPTURE(what);
    CAPTURE(plan);
    // No look at one row for each of the others; no walk through a table that may be large.
    for (const char* bad : {"Join Filter", "Materialize", "Seq Scan on objects", "Seq Scan on o",
                            "Seq Scan on dead_letters", "Seq Scan on postoffice_removed",
                            "Seq Scan on postoffice_held h"}) {
      CHECK_MESSAGE(plan.find(bad) == std::string::npos, name << ": " << bad);
    }
  }
}

void check_in_every_state(const PostgresSchema& schema) {
  const auto all = "objects, dead_letters, postoffice_removed, postoffice_held";
  check_plans(schema, "new");
  run_sql(schema.conninfo(), std::string("VACUUM ANALYZE ") + all);
  check_plans(schema, "vacuumed while empty");
  schema.run(
      "INSERT INTO objects SELECT n, true, now(), now() FROM generate_series(1, 5) AS n;"
      "INSERT INTO dead_letters SELECT n, now(), now(), 3, 'x' FROM generate_series(1, 5) AS n");
  schema.run(std::string("ANALYZE ") + all);
  check_plans(schema, "tiny");
  schema.run(
      "INSERT INTO objects SELECT n, true, now(), now() FROM generate_series(6, 50000) AS n");
  check_plans(schema, "much larger than when it was analysed");
  schema.run(std::string("ANALYZE ") + all);
  check_plans(schema, "large");
  schema.run("DELETE FROM objects");
  run_sql(schema.conninfo(), std::string("VACUUM ") + all);
  check_plans(schema, "emptied and vacuumed");
}

TEST_CASE("rows are found by their keys whatever the statistics say (S4)") {
  PostgresSchema schema;
  REQUIRE_FALSE(migrate_postgres(schema.conninfo()));
  check_in_every_state(schema);
}

TEST_CASE("the same in a table that the user has partitioned") {
  PostgresSchema schema;
  schema.run(
      "CREATE TABLE objects (id bigint PRIMARY KEY, online boolean NOT NULL, last_seen timestamptz"
      " NOT NULL, fetched_at timestamptz NOT NULL, note text) PARTITION BY RANGE (id);"
      "CREATE TABLE low PARTITION OF objects FOR VALUES FROM (MINVALUE) TO (1000);"
      "CREATE TABLE high PARTITION OF objects FOR VALUES FROM (1000) TO (MAXVALUE)");
  const auto failure = migrate_postgres(schema.conninfo());
  REQUIRE_FALSE_MESSAGE(failure, failure.message);
  check_in_every_state(schema);
}

TEST_CASE("a statement that takes too long is planned anew; fewer rows may be in time") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(
      loop, {.conninfo = schema.conninfo(), .statement_timeout = std::chrono::milliseconds(1'000)});
  apply_until_done(store, {.answers = {{1, true, at(1), at(2)}}});
  schema.run(
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN PERFORM pg_sleep(0.01); RETURN new; END';"
      "CREATE TRIGGER slow BEFORE INSERT ON objects FOR EACH ROW EXECUTE FUNCTION slow()");
  Changes changes;
  for (ObjectId id = 1; id < 500; ++id) changes.answers.push_back({id, true, at(1), at(2)});
  const auto late = try_apply(store, changes);
  CHECK(late.error == Error::timed_out);
  CHECK(late.value.failure.code == "57014");
  CHECK(late.value.failure.reason.find("statement timeout") != std::string::npos);
  changes.answers.resize(20);
  CHECK_FALSE(try_apply(store, changes).error);
}

}  // namespace
}  // namespace postoffice::testing
