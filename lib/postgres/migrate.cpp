#include <chrono>
#include <stdexcept>
#include <utility>

#include "postgres/failure.hpp"
#include "postgres/pooler.hpp"
#include "postgres/schema.hpp"
#include "postgres/session.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace postgres;

namespace {

constexpr std::chrono::seconds connect_limit{10};
constexpr std::chrono::seconds statement_limit{60};
const std::string limits = "SET lock_timeout = 30000; SET statement_timeout = " +
                           std::to_string(statement_limit.count() * 1'000);

postgres::Failure run(PGconn* connection, const std::string& script) {
  const postgres::Result result(PQexec(connection, script.c_str()));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  return result ? failure_of(result.get()) : failure_of(connection);
}

Opened connect(const std::string& conninfo) {
  try {
    Attempt attempt;
    Opened opened =
        open_own_session(ConnectOptions(conninfo, connect_limit, statement_limit), attempt);
    if (opened.failure) {
      opened.failure.message =
          "cannot connect to PostgreSQL at " + opened.server + ": " + opened.failure.message;
    }
    return opened;
  } catch (const std::invalid_argument& error) {
    return {.failure = {Error::bad_options, error.what()}};
  }
}

}  // namespace

postoffice::Failure migrate_postgres(const std::string& conninfo) {
  Opened opened = connect(conninfo);
  if (opened.failure) return std::move(opened.failure);
  postoffice::Failure failure = run(opened.session.get(), limits);
  if (!failure) failure = run(opened.session.get(), migrate_sql);
  if (failure) {
    failure.message =
        "cannot create or upgrade the schema at " + opened.server + ": " + failure.message;
  }
  return failure;
}

postoffice::Result<PostgresFacts> look_at_postgres(const std::string& conninfo) {
  const Opened opened = connect(conninfo);
  if (opened.failure) return postoffice::Failure(opened.failure);
  const postgres::Result result(PQexec(opened.session.get(), facts_sql));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    return postoffice::Failure(result ? failure_of(result.get())
                                      : failure_of(opened.session.get()));
  }
  const auto text = [&](int column) { return std::string(PQgetvalue(result.get(), 0, column)); };
  const auto holds = [&](int column) { return text(column) == "t"; };
  PostgresFacts facts;
  facts.version = text(0);
  facts.schema = text(1);
  facts.has_tables = holds(2);
  facts.may_use_tables = holds(3);
  facts.may_create_tables = holds(4);
  facts.read_only = holds(5);
  facts.synchronous_commit = text(6);
  facts.flushes = holds(7);
  return facts;
}

postoffice::Failure check_postgres(const std::string& conninfo) {
  return connect(conninfo).failure;
}

}  // namespace postoffice
