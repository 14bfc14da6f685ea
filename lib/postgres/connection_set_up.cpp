// How a session becomes one that can be used: its settings, the schema, its statements, and a look
// at what stands between this program and the server.
#include <string_view>
#include <utility>

#include "postgres/connection.hpp"
#include "postgres/parameters.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using Clock = std::chrono::steady_clock;

// The name of the transaction in which it is asked; reading gives it one.
constexpr const char* this_transaction =
    "SELECT virtualtransaction::text FROM pg_locks"
    " WHERE pid = pg_backend_pid() AND locktype = 'virtualxid' LIMIT 1";

}  // namespace

bool Connection::adopt_socket() {
  std::error_code error;
  socket_.assign(PQsocket(session_.get()), error);
  if (error) lose(unavailable("the socket cannot be watched: " + error.message()));
  return !error;
}

void Connection::begin_set_up() {
  state_ = State::setting_up;
  watch(settings_.statement_timeout + grace);
  const char* encoding = PQparameterStatus(session_.get(), "server_encoding");
  unicode_ = encoding && std::string_view(encoding) == "UTF8";
  PQsetnonblocking(session_.get(), 1);
  if (!PQsendQuery(session_.get(), settings_.set_up_script.c_str())) {
    lose(failure_of(session_.get()));
    return;
  }
  expect_output();
  expect_input();
}

void Connection::read_set_up() {
  while (!PQisBusy(session_.get())) {
    const Result result(PQgetResult(session_.get()));
    if (!result) {
      prepare_statements();
      return;
    }
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      Failure failure = failure_of(result.get());
      failure.reconnect = true;
      lose(std::move(failure));
      return;
    }
  }
}

void Connection::prepare_statements() {
  bool sent = PQenterPipelineMode(session_.get()) == 1;
  for (const Statement statement : statements(settings_.purpose)) {
    const StatementText text = text_of(statement);
    sent = sent && PQsendPrepare(session_.get(), text.name, text.sql, 0, nullptr);
  }
  // Twice the same: what stands between us and the server keeps a transaction open over its end.
  for (int transaction = 0; transaction < 2; ++transaction) {
    sent = sent && PQpipelineSync(session_.get()) &&
           PQsendQueryParams(session_.get(), this_transaction, 0, nullptr, nullptr, nullptr,
                             nullptr, 1);
  }
  if (!sent || !PQpipelineSync(session_.get())) {
    lose(failure_of(session_.get()));
    return;
  }
  sent_.push_back({.request = {.queries = {}, .done = [](const Failure&, auto) {}}});
  for (int transaction = 0; transaction < 2; ++transaction) {
    sent_.push_back({.request = {.queries = {},
                                 .done = [this, transaction](const Failure& failure,
                                                             const std::vector<Result>& results) {
                                   if (!failure) check_transaction(results, transaction == 1);
                                 }}});
  }
  state_ = State::preparing;
  expect_output();
}

void Connection::become_ready() {
  state_ = State::ready;
  last_failure_ = {};
  const std::string what = "connected to " + server_;
  health_.answered(Clock::now(), false);
  if (!parting_.empty()) tell_parting(what);
  if (!reported_request_) report_success(what);
}

// Else a commit that is reported as done would be undone with the session.
void Connection::check_transaction(const std::vector<Result>& results, bool second) {
  const bool told = !results.empty() && PQntuples(results[0].get()) > 0;
  const std::string now = told ? text_at(*results[0], 0, 0) : std::string();
  const std::string before = std::exchange(transaction_, now);
  if (!second) return;
  if (now.empty() || before != now) return become_ready();
  lose({.code = Error::bad_options,
        .message = "what stands between this program and the server does not pass on where "
                   "transactions end (pgpool-II in raw mode does not); connect to the server "
                   "itself",
        .reconnect = true});
}

}  // namespace postoffice::postgres
