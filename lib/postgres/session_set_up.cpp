#include "postgres/session_set_up.hpp"

#include <string_view>

#include "postgres/parameters.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

// An id of the transaction that runs this; a mere read gives it one.
constexpr const char* this_transaction =
    "SELECT virtualtransaction::text FROM pg_locks"
    " WHERE pid = pg_backend_pid() AND locktype = 'virtualxid' LIMIT 1";

}  // namespace

bool SessionSetUp::begin(PGconn* session) {
  const char* encoding = PQparameterStatus(session, "server_encoding");
  unicode_ = encoding && std::string_view(encoding) == "UTF8";
  PQsetnonblocking(session, 1);
  return PQsendQuery(session, script_.c_str()) == 1;
}

std::optional<Failure> SessionSetUp::read(PGconn* session) {
  while (!PQisBusy(session)) {
    const Result result(PQgetResult(session));
    if (!result) return Failure{};
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      Failure failure = failure_of(result.get());
      failure.reconnect = true;
      return failure;
    }
  }
  return std::nullopt;
}

bool SessionSetUp::prepare(PGconn* session, RequestPipeline& requests,
                           std::function<void(const Failure&)> done) {
  bool sent = PQenterPipelineMode(session) == 1;
  for (const Statement statement : statements(purpose_)) {
    const StatementText text = text_of(statement);
    sent = sent && PQsendPrepare(session, text.name, text.sql, 0, nullptr);
  }
  // If both are the same, a proxy between this program and the server keeps a transaction open
  // beyond its end.
  for (int transaction = 0; transaction < 2; ++transaction) {
    sent = sent && PQpipelineSync(session) &&
           PQsendQueryParams(session, this_transaction, 0, nullptr, nullptr, nullptr, nullptr, 1);
  }
  if (!sent || !PQpipelineSync(session)) return false;
  requests.expect({.queries = {}, .done = [](const Failure&, auto) {}});
  requests.expect({.queries = {}, .done = [this](const Failure& failure, const auto& results) {
                     if (!failure) note_transaction(results);
                   }});
  requests.expect(
      {.queries = {},
       .done = [this, done = std::move(done)](const Failure& failure, const auto& results) {
         if (failure) return;
         note_transaction(results);
         done(verdict());
       }});
  return true;
}

void SessionSetUp::note_transaction(const std::vector<Result>& results) {
  const bool told = !results.empty() && PQntuples(results[0].get()) > 0;
  const std::string now = told ? text_at(*results[0], 0, 0) : std::string();
  const std::string before = std::exchange(transaction_, now);
  same_twice_ = !now.empty() && before == now;
}

// Otherwise a commit that was reported as done would be rolled back with the session.
Failure SessionSetUp::verdict() const {
  if (!same_twice_) return {};
  return lost(Error::bad_options,
              "a proxy between this program and the server does not report where "
              "transactions end (pgpool-II in raw mode does not); connect to the server itself");
}

}  // namespace postoffice::postgres
