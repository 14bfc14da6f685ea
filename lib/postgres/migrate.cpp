#include <poll.h>

#include <chrono>
#include <stdexcept>

#include "postgres/failure.hpp"
#include "postgres/schema.hpp"
#include "postgres/session.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace postgres;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds connect_limit{10};
constexpr const char* limits = "SET lock_timeout = 30000; SET statement_timeout = 60000";

// Waits until libpq can go on with connecting; false when there is no more time.
bool wait_for(PGconn* connection, PostgresPollingStatusType status, Clock::time_point deadline) {
  pollfd ready{.fd = PQsocket(connection),
               .events = static_cast<short>(status == PGRES_POLLING_READING ? POLLIN : POLLOUT),
               .revents = 0};
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 && poll(&ready, 1, static_cast<int>(left)) != 0;
}

Failure connect(PGconn* connection, int hosts) {
  const auto deadline = Clock::now() + connect_limit * hosts;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD && status != PGRES_POLLING_OK) {
    if (!wait_for(connection, status, deadline)) {
      return {.code = Error::unavailable, .message = "no connection in time"};
    }
    status = PQconnectPoll(connection);
  }
  return PQstatus(connection) == CONNECTION_OK ? Failure{} : failure_of(connection);
}

Failure run(PGconn* connection, const std::string& script) {
  const Result result(PQexec(connection, script.c_str()));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  return result ? failure_of(result.get()) : failure_of(connection);
}

}  // namespace

std::error_code migrate_postgres(const std::string& conninfo, std::string& message) {
  message.clear();
  try {
    const ConnectOptions options(conninfo, connect_limit);
    const Session session = options.begin();
    Failure failure = connect(session.get(), options.hosts());
    if (failure) {
      message = "cannot connect to PostgreSQL at " + options.server() + ": " + failure.message;
      return failure.code;
    }
    failure = run(session.get(), limits);
    if (!failure) failure = run(session.get(), migration_script());
    if (!failure) return {};
    message = "cannot create or upgrade the schema at " + options.server() + ": " + failure.message;
    return failure.code;
  } catch (const std::invalid_argument& error) {
    message = error.what();
    return Error::bad_options;
  }
}

}  // namespace postoffice
