#include <chrono>
#include <stdexcept>

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

Failure run(PGconn* connection, const std::string& script) {
  const Result result(PQexec(connection, script.c_str()));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  return result ? failure_of(result.get()) : failure_of(connection);
}

// Where it fails, `message` says why.
Opened connect(const std::string& conninfo, std::string& message) {
  message.clear();
  try {
    Attempt attempt;
    Opened opened =
        open_own_session(ConnectOptions(conninfo, connect_limit, statement_limit), attempt);
    if (opened.failure) {
      message = "cannot connect to PostgreSQL at " + opened.server + ": " + opened.failure.message;
    }
    return opened;
  } catch (const std::invalid_argument& error) {
    message = error.what();
    return {.failure = {.code = Error::bad_options}};
  }
}

}  // namespace

std::error_code migrate_postgres(const std::string& conninfo, std::string& message) {
  const Opened opened = connect(conninfo, message);
  if (opened.failure) return opened.failure.code;
  Failure failure = run(opened.session.get(), limits);
  if (!failure) failure = run(opened.session.get(), migrate_sql);
  if (failure) {
    message = "cannot create or upgrade the schema at " + opened.server + ": " + failure.message;
  }
  return failure.code;
}

std::error_code check_postgres(const std::string& conninfo, std::string& message) {
  return connect(conninfo, message).failure.code;
}

}  // namespace postoffice
