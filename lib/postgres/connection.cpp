#include "postgres/connection.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "planted_bug.hpp"
#include "postgres/parameters.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

/// Transactions under way on the server; more would only lengthen its queue.
constexpr std::size_t max_sent = 4;

/// What the server may be late beyond its own time limits.
constexpr std::chrono::milliseconds grace{2'000};

constexpr std::chrono::milliseconds first_pause{100};

// The name of the transaction in which it is asked; reading gives it one.
constexpr const char* this_transaction =
    "SELECT virtualtransaction::text FROM pg_locks"
    " WHERE pid = pg_backend_pid() AND locktype = 'virtualxid' LIMIT 1";

Failure unavailable(std::string message) {
  return {.code = Error::unavailable, .message = std::move(message), .reconnect = true};
}

}  // namespace

Connection::Connection(asio::io_context& context, std::shared_ptr<Completions> completions,
                       ConnectOptions options, ConnectionSettings settings, Log log)
    : completions_(std::move(completions)),
      options_(std::move(options)),
      settings_(std::move(settings)),
      log_(std::move(log)),
      socket_(context),
      timer_(context),
      random_(std::random_device{}()) {}

// A handler that does nothing once the session it belongs to is gone, runs under the store's lock,
// and lets the completions run afterwards.
template <typename Handler>
auto Connection::guarded(Handler handler) {
  return [weak = weak_from_this(), generation = generation_, handler](std::error_code error) {
    const auto self = weak.lock();
    if (!self || error) return;
    std::unique_lock lock(self->completions_->mutex);
    if (generation != self->generation_ || self->state_ == State::stopped) return;
    handler(*self);
    self->completions_->run_and_unlock(std::move(lock));
  };
}

void Connection::start() {
  if (settings_.purpose != Purpose::reading && state_ == State::resting) connect();
}

void Connection::submit(Request request) {
  if (state_ == State::stopped) {
    request.done({.code = Error::stopped, .message = "stopped"}, {});
  } else if (last_failure_ && state_ != State::ready) {
    request.done(last_failure_, {});
  } else {
    waiting_.push_back(std::move(request));
  }
}

void Connection::flush() {
  if (state_ == State::resting) connect();
  if (state_ == State::ready) send_waiting();
}

void Connection::stop() {
  if (state_ == State::stopped) return;
  close();
  state_ = State::stopped;
  timer_.cancel();
  fail_requests({.code = Error::stopped, .message = "stopped"});
}

void Connection::connect() {
  // libpq resolves names itself, and waits for that: names should come from a local resolver.
  state_ = State::connecting;
  ++generation_;
  session_ = options_.begin();
  watch(settings_.connect_timeout * options_.hosts());
  if (PQstatus(session_.get()) == CONNECTION_BAD) {
    lose(failure_of(session_.get()));
    return;
  }
  if (!adopt_socket()) return;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     guarded([](Connection& self) { self.poll_connect(); }));
}

bool Connection::adopt_socket() {
  std::error_code error;
  socket_.assign(PQsocket(session_.get()), error);
  if (error) lose(unavailable("the socket cannot be watched: " + error.message()));
  return !error;
}

void Connection::poll_connect() {
  // libpq may go on with another socket, even under the same number.
  socket_.release();
  const PostgresPollingStatusType status = PQconnectPoll(session_.get());
  if (status == PGRES_POLLING_FAILED) {
    lose(failure_of(session_.get()));
    return;
  }
  if (!adopt_socket()) return;
  if (status == PGRES_POLLING_OK) {
    greet();
    return;
  }
  const auto direction = status == PGRES_POLLING_READING
                             ? asio::posix::stream_descriptor::wait_read
                             : asio::posix::stream_descriptor::wait_write;
  socket_.async_wait(direction, guarded([](Connection& self) { self.poll_connect(); }));
}

// Before anything is set: a pooler may hand what we set to others.
void Connection::greet() {
  state_ = State::greeting;
  behind_pooler_ = false;
  watch(settings_.statement_timeout + grace);
  if (!PQsendQuery(session_.get(), server_process)) return lose(failure_of(session_.get()));
  expect_output();
  expect_input();
}

void Connection::read_greeting() {
  while (!PQisBusy(session_.get())) {
    const Result result(PQgetResult(session_.get()));
    if (!result) return behind_pooler_ ? check_for_pooler() : begin_set_up();
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return lose(failure_of(result.get()));
    behind_pooler_ = is_behind_pooler(session_.get(), PQgetvalue(result.get(), 0, 0));
  }
}

// Waits for the server, which the loop is not to: so elsewhere.
void Connection::check_for_pooler() {
  ++generation_;
  socket_.release();
  pooler_check_.emplace(std::move(session_), options_);
  std::error_code error;
  socket_.assign(pooler_check_->descriptor(), error);
  if (error) return lose(unavailable("the session cannot be checked: " + error.message()));
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     guarded([](Connection& self) { self.end_check(); }));
}

void Connection::end_check() {
  socket_.release();
  Failure failure;
  session_ = pooler_check_->take(failure);
  pooler_check_.reset();
  failure.reconnect = true;
  if (failure) return lose(std::move(failure));
  if (!adopt_socket()) return;
  begin_set_up();
  expect_input();
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
  for (const StatementText& text : statements(settings_.purpose)) {
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
  transaction_.clear();
  for (int transaction = 0; transaction < 2; ++transaction) {
    sent_.push_back(
        {.request = {.queries = {},
                     .done = [this](const Failure& failure, const std::vector<Result>& results) {
                       if (!failure) check_transaction(results);
                     }}});
  }
  state_ = State::ready;
  expect_output();
}

void Connection::become_ready(const Failure& failure) {
  if (failure) return;  // take_result() has seen to it
  last_failure_ = {};
  if (!reported_request_) report_success("connected to " + options_.server());
}

// Else a commit that is reported as done would be undone with the session.
void Connection::check_transaction(const std::vector<Result>& results) {
  const bool told = !results.empty() && PQntuples(results[0].get()) > 0;
  const std::string now = told ? text_at(*results[0], 0, 0) : std::string();
  const std::string before = std::exchange(transaction_, now);
  if (before.empty()) return;
  if (before != now) return become_ready({});
  lose({.code = Error::bad_options,
        .message = "what stands between this program and the server does not pass on where "
                   "transactions end (pgpool-II does not, in a pipeline); connect to the server "
                   "itself",
        .reconnect = true});
}

bool Connection::send(const Request& request) {
  if (!send(request.queries)) return false;
  return !request.tell_position || send({{Statement::log_position}});
}

// One transaction.
bool Connection::send(const std::vector<Query>& queries) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const Query& query : queries) {
    values.clear();
    lengths.clear();
    for (const auto& parameter : query.parameters) {
      values.push_back(parameter ? parameter->data() : nullptr);
      lengths.push_back(parameter ? static_cast<int>(parameter->size()) : 0);
    }
    formats.assign(values.size(), 1);
    if (!PQsendQueryPrepared(session_.get(), name_of(query.statement),
                             static_cast<int>(values.size()), values.data(), lengths.data(),
                             formats.data(), 1)) {
      return false;
    }
  }
  return PQpipelineSync(session_.get()) == 1;
}

void Connection::send_waiting() {
  bool sent_any = false;
  while (!waiting_.empty() && sent_.size() < max_sent) {
    if (sent_.empty()) watch(settings_.statement_timeout + grace);
    sent_.push_back({.request = std::move(waiting_.front())});
    waiting_.pop_front();
    sent_any = true;
    if (send(sent_.back().request)) continue;
    lose(failure_of(session_.get()));
    return;
  }
  if (sent_any) expect_output();
}

void Connection::expect_output() {
  if (writing_) return;
  const int left = PQflush(session_.get());
  if (left < 0) {
    // Reading tells why, and fetches what the server said before it closed.
    return;
  }
  if (left == 0) return;
  writing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write, guarded([](Connection& self) {
                       self.writing_ = false;
                       self.expect_output();
                     }));
}

void Connection::expect_input() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     guarded([](Connection& self) { self.on_readable(); }));
}

void Connection::on_readable() {
  const std::uint64_t generation = generation_;
  const bool alive = PQconsumeInput(session_.get()) == 1;
  // Some progress was made: the time limit starts anew.
  watch(settings_.statement_timeout + grace);
  if (state_ == State::greeting) read_greeting();
  if (generation != generation_) return;
  if (state_ == State::setting_up) read_set_up();
  if (state_ == State::ready) read_results();
  if (generation != generation_) return;
  if (!alive || PQstatus(session_.get()) == CONNECTION_BAD) {
    lose(failure_of(session_.get()));
    return;
  }
  if (state_ == State::ready) send_waiting();
  if (generation != generation_) return;
  expect_output();
  expect_input();
}

void Connection::read_results() {
  const std::uint64_t generation = generation_;
  bool ended = false;  // the last thing read was the end of one statement's results
  while (generation == generation_ && !sent_.empty() && !PQisBusy(session_.get())) {
    Result result(PQgetResult(session_.get()));
    if (!result) {
      if (ended) return;
      ended = true;
      continue;
    }
    ended = false;
    take_result(std::move(result));
  }
}

void Connection::take_result(Result result) {
  Sent& first = sent_.front();
  switch (PQresultStatus(result.get())) {
    case PGRES_PIPELINE_SYNC:
      if (!first.request.tell_position || std::exchange(first.committed, true)) finish_first();
      return;
    case PGRES_PIPELINE_ABORTED: return;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: first.results.push_back(std::move(result)); return;
    default:
      if (!first.failure) first.failure = failure_of(result.get());
  }
}

void Connection::finish_first() {
  Sent finished = std::move(sent_.front());
  sent_.pop_front();
  const Failure& failure = finished.failure;
  const bool worked = !failure && !finished.request.queries.empty();
  if (worked) failed_attempts_ = 0;
  finished.request.done(failure, std::move(finished.results));
  // A session that ended is news about the session, but for a server that only became read-only.
  const Asker asker = finished.request.asker;
  const bool seen_to = finished.request.by_rows && may_be_about_rows(failure);
  if (failure && !seen_to) {
    report(failure, !failure.reconnect || failure.state == "25006");
    if (reported_request_) reported_asker_ = asker;
  }
  if (worked && (!reported_request_ || reported_asker_ == asker)) report_success("works again");
  if (is_timeout(failure)) plan_anew();
  if (failure.reconnect || (failure && finished.request.queries.empty())) lose(failure);
}

// Proxies and servers end sessions that idle, which is no news; should the server be away, the next
// attempt says so.
bool Connection::lost_idle() const {
  return state_ == State::ready && sent_.empty() && waiting_.empty() && last_reported_.empty();
}

// What a statement does was decided when the tables were different, perhaps.
void Connection::plan_anew() {
  if (settings_.purpose == Purpose::reading || settings_.purpose == Purpose::registry) return;
  waiting_.push_front({.queries = {{Statement::discard_plans}},
                       .done = [](const Failure&, std::vector<Result>) {}});
}

void Connection::lose(Failure failure) {
  const bool was_ready = state_ == State::ready;
  const bool idle = lost_idle();
  close();
  if (idle && settings_.purpose != Purpose::writing &&
      settings_.purpose != Purpose::writing_ahead) {
    state_ = State::resting;  // until somebody asks
    return;
  }
  if (!idle) report(failure, false);
  fail_requests(failure);
  state_ = State::pausing;
  // After a good session the first attempt comes at once, and what is asked meanwhile waits for it.
  const bool at_once = was_ready && failed_attempts_ == 0;
  last_failure_ = at_once || idle ? Failure{} : failure;
  watch(at_once ? std::chrono::milliseconds(0) : next_pause());
  ++failed_attempts_;
}

std::chrono::milliseconds Connection::next_pause() {
  const auto doublings = std::min(failed_attempts_, 16);
  const auto full = std::min(first_pause * (1 << doublings), settings_.reconnect_max);
  std::uniform_int_distribution<std::int64_t> spread(full.count() / 2, full.count());
  return std::chrono::milliseconds(spread(random_));
}

void Connection::close() {
  ++generation_;
  if (socket_.is_open()) socket_.release();
  session_.reset();
  pooler_check_.reset();
  writing_ = false;
}

void Connection::fail_requests(const Failure& failure) {
  if (settings_.ended) settings_.ended(failure);
  const auto sent = std::exchange(sent_, {});
  const auto waiting = std::exchange(waiting_, {});
  for (const Sent& one : sent) {
    one.request.done(one.failure ? one.failure : failure, {});
  }
  for (const Request& request : waiting) request.done(failure, {});
}

void Connection::report(const Failure& failure, bool about_request) {
  if (failure.message == last_reported_) return;
  last_reported_ = failure.message;
  reported_request_ = about_request;
  if (!log_) return;
  log_(LogLevel::warning, settings_.name + " (" + options_.server() + "): " + failure.message);
}

void Connection::report_success(const std::string& what) {
  if (last_reported_.empty()) return;
  last_reported_.clear();
  reported_request_ = false;
  if (log_) log_(LogLevel::info, settings_.name + ": " + what);
}

// The limit moves with every answer; the timer is only set again when it fires too early, or would
// fire too late.
void Connection::watch(std::chrono::milliseconds span) {
  if (planted(PlantedBug::silence_waited_out)) return;
  deadline_ = std::chrono::steady_clock::now() + span;
  if (deadline_ < armed_) arm_timer();
}

void Connection::arm_timer() {
  armed_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this(), number = ++timer_generation_](std::error_code error) {
    const auto self = weak.lock();
    if (!self || error) return;
    std::unique_lock lock(self->completions_->mutex);
    if (number != self->timer_generation_ || self->state_ == State::stopped) return;
    self->armed_ = std::chrono::steady_clock::time_point::max();
    if (std::chrono::steady_clock::now() < self->deadline_) {
      self->arm_timer();
    } else {
      self->on_timer();
    }
    self->completions_->run_and_unlock(std::move(lock));
  });
}

void Connection::on_timer() {
  switch (state_) {
    case State::pausing: connect(); return;
    case State::connecting: lose(unavailable("no connection in time")); return;
    case State::greeting:
    case State::setting_up: lose(unavailable("the schema was not ready in time")); return;
    case State::ready:
      if (!sent_.empty()) lose(unavailable("no answer in time"));
      return;
    case State::resting:
    case State::stopped: return;
  }
}

}  // namespace postoffice::postgres
