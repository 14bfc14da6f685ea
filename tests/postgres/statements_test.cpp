// The SQL that the build has put into the program, and which sessions prepare which part of it. No
// server.
#include "postgres/statements.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "postgres/apply_request.hpp"
#include "postgres/expire_job.hpp"
#include "postgres/read_rows.hpp"
#include "postgres/schema.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

constexpr Purpose purposes[] = {Purpose::writing, Purpose::writing_ahead, Purpose::registry,
                                Purpose::reading};

std::string sql_of(Statement statement) { return text_of(statement).sql; }

/// The statement in one line, with each parameter written alike.
std::string in_one_line(Statement statement) {
  std::string line;
  for (const char c : sql_of(statement)) {
    if (c != ' ' && c != '\n') {
      if (line.empty() || line.back() != '$' || c < '0' || c > '9') line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

/// What stands from `begin` to the next `end`.
std::string part_of(Statement statement, const std::string& begin, const std::string& end) {
  const std::string sql = in_one_line(statement);
  const auto from = sql.find(begin);
  REQUIRE_MESSAGE(from != std::string::npos, sql);
  const auto to = sql.find(end, from + begin.size());
  REQUIRE_MESSAGE(to != std::string::npos, sql);
  return sql.substr(from, to + end.size() - from);
}

void check_prepared(Purpose purpose, const std::vector<Query>& queries) {
  for (const Query& query : queries) {
    CHECK_MESSAGE(prepares(purpose, query.statement), text_of(query.statement).name);
  }
}

TEST_CASE("each statement has a text and is prepared for some purpose, once") {
  std::set<std::string> names;
  std::set<Statement> prepared;
  for (const Purpose purpose : purposes) {
    const auto statements = postgres::statements(purpose);
    CHECK(std::set(statements.begin(), statements.end()).size() == statements.size());
    prepared.insert(statements.begin(), statements.end());
  }
  for (int number = 0; number <= static_cast<int>(Statement::find_dead_letters_among); ++number) {
    const auto statement = static_cast<Statement>(number);
    CAPTURE(number);
    REQUIRE(text_of(statement).sql != nullptr);
    CHECK(names.insert(text_of(statement).name).second);
    CHECK(prepared.contains(statement));
    const std::string sql = sql_of(statement);
    CHECK(sql.find("--") == std::string::npos);
    CHECK(sql.find(';') == std::string::npos);
  }
}

TEST_CASE(
    "reading sessions prepare no writes, and sessions that wait at commit no log statements") {
  for (const Statement statement : statements(Purpose::reading)) {
    CHECK(sql_of(statement).starts_with("SELECT "));
  }
  for (const Statement statement : {Statement::log_position, Statement::flush_log}) {
    CHECK(prepares(Purpose::writing_ahead, statement));
    CHECK_FALSE(prepares(Purpose::writing, statement));
  }
}

TEST_CASE("what apply() and find() run is prepared by those who run it") {
  Changes changes{.touches = {{1, {}}}};
  check_prepared(Purpose::writing, apply_queries(changes, true));
  changes.answers = {{2, true, {}, {}}};
  changes.removals = {{3, false, {}, {}}};
  changes.dead_letters = {{.id = 4, .reason = "x"}};
  changes.cleared = {2};
  changes.held = {{5, {}}};
  check_prepared(Purpose::writing, apply_queries(changes, true));
  changes.each = true;
  check_prepared(Purpose::writing, apply_queries(changes, true));
  check_prepared(Purpose::reading, {*find_query({.id = 1}), *find_query({})});
  check_prepared(Purpose::reading, {*find_dead_letters_query({}),
                                    *find_dead_letters_query({.ids = std::vector<ObjectId>{1}})});
}

/// The pages of a table of 10 pages in one partition.
Result table_pages() {
  Result result(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
  PGresAttDesc columns[2]{};
  columns[0].name = columns[1].name = const_cast<char*>("n");
  PQsetResultAttrs(result.get(), 2, columns);
  std::string ten("\0\0\0\0\0\0\0\x0a", 8);
  std::string one("\0\0\0\0\0\0\0\x01", 8);
  PQsetvalue(result.get(), 0, 0, ten.data(), 8);
  PQsetvalue(result.get(), 0, 1, one.data(), 8);
  return result;
}

TEST_CASE("what expire() runs is prepared by sessions that write") {
  for (const bool tell : {false, true}) {
    for (const bool scan : {false, true}) {
      std::vector<Query> queries;
      const auto submit = [&queries](const Request& request) {
        for (const Query& query : request.queries) queries.push_back({query.statement});
        std::vector<Result> results;
        if (queries.back().statement == Statement::table_pages) {
          results.push_back(table_pages());
          return request.done({}, std::move(results));
        }
        // The first time it is tried again row by row, then it has failed.
        Failure failure(Error::rejected);
        failure.state = "23514";
        request.done(failure, {});
      };
      const Expiry expiry{.ids = {1, 2}, .scan = scan, .tell_oldest = tell};
      std::make_shared<ExpireJob>(expiry, ExpireJob::Manners{.forget = true, .wait_briefly = true},
                                  submit, [](const Failure&, const Expired&) {})
          ->start();
      CHECK(queries.size() == 11);
      check_prepared(Purpose::writing, queries);
    }
  }
}

TEST_CASE("the rule by which rows expire is the same in all statements (S6)") {
  const auto bound = [](Statement statement) {
    return part_of(statement, "WITH bound AS MATERIALIZED", "AS cutoff)");
  };
  for (const Statement statement : {Statement::expire_pages, Statement::expire_pages_and_tell,
                                    Statement::expire_ids_each, Statement::expire_pages_each}) {
    CHECK(bound(statement) == bound(Statement::expire_ids));
  }
  const auto old = [](Statement statement) {
    return part_of(statement, "AND o.last_seen < (SELECT cutoff FROM bound) AND NOT EXISTS",
                   "OFFSET 0)");
  };
  for (const Statement statement : {Statement::expire_pages, Statement::expire_pages_and_tell}) {
    CHECK(old(statement) == old(Statement::expire_ids));
  }
  const auto oldest = [](Statement statement) {
    return part_of(statement, "least((SELECT min(last_seen)", "bound)))");
  };
  CHECK(oldest(Statement::expire_pages_each) == oldest(Statement::expire_pages_and_tell));
}

TEST_CASE("the scripts name the versions and SQLSTATEs that the program knows") {
  const std::string known = "known int := " + std::to_string(schema_version) + ";";
  for (const std::string script : {migrate_sql, check_sql}) {
    CHECK(script.find(known) != std::string::npos);
    CHECK(script.find(newer_schema_state) != std::string::npos);
    CHECK(script.find("include:") == std::string::npos);
  }
  const std::string migrate = migrate_sql;
  const std::string last = "SET version = " + std::to_string(schema_version) + ";";
  CHECK(migrate.find(last) != std::string::npos);
  CHECK(migrate.find(fenced_state) != std::string::npos);
  CHECK(std::string(check_sql).find(older_schema_state) != std::string::npos);
}

TEST_CASE("the time limits of a session are the values given") {
  const std::string settings = session_settings(1'234);
  CHECK(settings.find(" statement_timeout = 1234;") != std::string::npos);
  CHECK(settings.find("idle_in_transaction_session_timeout = 1234;") != std::string::npos);
  CHECK(settings.find("lock_timeout = 617;") != std::string::npos);
  CHECK(settings.find(" :") == std::string::npos);
}

}  // namespace
}  // namespace postoffice::postgres
