#include "postgres/pooler.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using Clock = std::chrono::steady_clock;

// With other clients active, a session may by chance get the same server session twice, but not
// this often.
constexpr int rounds = 4;

// For the whole check, including the second session.
constexpr std::chrono::seconds limit{2};

// A process number may recur, even on another server; together with the start time of the process
// it does not.
constexpr const char* who_serves =
    "SELECT pid || ' since ' || backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";

struct Check {
  const Attempt& attempt;
  const Clock::time_point deadline;
};

// One statement; the first column of its first row, empty where there is none.
Failure ask(const Check& check, PGconn* session, const char* statement, std::string& answer) {
  answer.clear();
  if (!PQsendQuery(session, statement)) return failure_of(session);
  Failure failure;
  for (;;) {
    while (PQisBusy(session)) {
      if (!wait_for_input(session, check.attempt, check.deadline)) {
        return lost(Error::timed_out, "no answer in time");
      }
      if (!PQconsumeInput(session)) return failure_of(session);
    }
    const Result result(PQgetResult(session));
    if (!result) return failure;
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) failure = failure_of(result.get());
    if (PQntuples(result.get()) > 0) answer = PQgetvalue(result.get(), 0, 0);
  }
}

// One check. `shared` means that both got the same session of the server, or one got two. A failure
// of `other` proves nothing, except that it cannot have a transaction.
Failure look(const Check& check, PGconn* session, PGconn* other, bool& shared) {
  std::string before, beside, inside, after, ignored;
  if (auto failure = ask(check, session, who_serves, before)) return failure;
  if (ask(check, other, who_serves, beside)) return {};
  if (const auto failure = ask(check, other, "BEGIN", ignored)) {
    shared = failure.code != Error::timed_out;
    return {};
  }
  // A pooler that lends sessions between transactions now has one less to lend.
  if (ask(check, other, who_serves, inside)) return {};
  if (auto failure = ask(check, session, who_serves, after)) return failure;
  shared = before != after || before == beside || after == inside;
  if (before == inside) shared = true;
  ask(check, other, "ROLLBACK", ignored);
  return {};
}

Failure refused() {
  return {Error::bad_options,
          "a pooler between this program and the server gives the server's session to "
          "others between transactions (PgBouncer: pool_mode transaction or statement); "
          "connect to the server itself, or through a pool in session mode"};
}

// A proxy that speaks the protocol itself announces its own process number. Two sessions in turn
// then show whether it keeps each on one session of the server; a single one is often given the
// same session again.
Failure check_pooler(PGconn* session, const ConnectOptions& options, Attempt& attempt) {
  const Check greeting{attempt, Clock::now() + options.connect_timeout()};
  std::string process;
  if (auto failure = ask(greeting, session, "SELECT pg_backend_pid()", process)) return failure;
  if (process == std::to_string(PQbackendPID(session))) return {};
  const Check check{attempt, Clock::now() + limit};
  const Opened other = open_session(options.same_server(session, limit), attempt);
  if (!other.session) return {};
  for (int round = 0; round < rounds; ++round) {
    bool shared = false;
    Failure failure = look(check, session, other.session.get(), shared);
    if (shared) return refused();
    if (failure) return failure;
  }
  return {};
}

}  // namespace

Opened open_own_session(const ConnectOptions& options, Attempt& attempt) {
  Opened opened = open_session(options, attempt);
  if (!opened.session) return opened;
  attempt.set_waits_for("checking which server answers at " + opened.server);
  opened.failure = check_pooler(opened.session.get(), options, attempt);
  if (!opened.failure) return opened;
  opened.failure.reconnect = true;
  opened.session.reset();
  return opened;
}

}  // namespace postoffice::postgres
