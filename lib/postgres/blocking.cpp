#include "postgres/blocking.hpp"

#include <poll.h>

#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using Clock = std::chrono::steady_clock;

// False when there is no more time.
bool wait_for(PGconn* session, short events, Deadline deadline) {
  pollfd ready{.fd = PQsocket(session), .events = events, .revents = 0};
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 && poll(&ready, 1, static_cast<int>(left)) != 0;
}

}  // namespace

Failure finish_connecting(PGconn* session, Deadline deadline) {
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(session) != CONNECTION_BAD && status != PGRES_POLLING_OK) {
    const bool reading = status == PGRES_POLLING_READING;
    if (!wait_for(session, reading ? POLLIN : POLLOUT, deadline)) {
      return {.code = Error::unavailable, .message = "no connection in time", .reconnect = true};
    }
    status = PQconnectPoll(session);
  }
  return PQstatus(session) == CONNECTION_OK ? Failure{} : failure_of(session);
}

Failure ask(PGconn* session, const char* statement, Deadline deadline, std::string& answer) {
  answer.clear();
  if (!PQsendQuery(session, statement)) return failure_of(session);
  Failure failure;
  for (;;) {
    while (PQisBusy(session)) {
      if (!wait_for(session, POLLIN, deadline)) {
        return {.code = Error::timed_out, .message = "no answer in time", .reconnect = true};
      }
      if (!PQconsumeInput(session)) return failure_of(session);
    }
    const Result result(PQgetResult(session));
    if (!result) return failure;
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) failure = failure_of(result.get());
    if (PQntuples(result.get()) > 0) answer = PQgetvalue(result.get(), 0, 0);
  }
}

}  // namespace postoffice::postgres
