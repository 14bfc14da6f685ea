#include <chrono>
#include <stdexcept>

#include "postgres/blocking.hpp"
#include "postgres/failure.hpp"
#include "postgres/pooler.hpp"
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

Failure run(PGconn* connection, const std::string& script) {
  const Result result(PQexec(connection, script.c_str()));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  return result ? failure_of(result.get()) : failure_of(connection);
}

}  // namespace

namespace {

constexpr std::chrono::seconds check_limit{2};

// Opens a session, makes sure that it stays ours, and acts with it.
template <typename Act>
std::error_code with_session(const std::string& conninfo, std::string& message, Act act) {
  message.clear();
  try {
    const ConnectOptions options(conninfo, connect_limit);
    const Session session = options.begin();
    Failure failure =
        finish_connecting(session.get(), Clock::now() + connect_limit * options.hosts());
    if (failure) {
      message = "cannot connect to PostgreSQL at " + options.server() + ": " + failure.message;
      return failure.code;
    }
    failure = check_pooler(session.get(), options, check_limit);
    if (failure) {
      message = "PostgreSQL at " + options.server() + ": " + failure.message;
      return failure.code;
    }
    failure = act(session.get(), options, message);
    return failure.code;
  } catch (const std::invalid_argument& error) {
    message = error.what();
    return Error::bad_options;
  }
}

}  // namespace

std::error_code migrate_postgres(const std::string& conninfo, std::string& message) {
  return with_session(
      conninfo, message, [](PGconn* session, const ConnectOptions& options, std::string& why) {
        Failure failure = run(session, limits);
        if (!failure) failure = run(session, migration_script());
        if (failure) {
          why =
              "cannot create or upgrade the schema at " + options.server() + ": " + failure.message;
        }
        return failure;
      });
}

std::error_code check_postgres(const std::string& conninfo, std::string& message) {
  return with_session(conninfo, message,
                      [](PGconn*, const ConnectOptions&, std::string&) { return Failure{}; });
}

}  // namespace postoffice
