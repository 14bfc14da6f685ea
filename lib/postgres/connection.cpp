#include "postgres/connection.hpp"

#include <cassert>
#include <utility>

#include "postgres/parameters.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

/// Transactions under way on the server; more would only lengthen its queue.
constexpr std::size_t max_sent = 4;

using Clock = std::chrono::steady_clock;

}  // namespace

Connection::Connection(asio::io_context& context, std::shared_ptr<Completions> completions,
                       ConnectOptions options, ConnectionSettings settings, Log log)
    : context_(context),
      completions_(std::move(completions)),
      options_(std::move(options)),
      settings_(std::move(settings)),
      log_(std::move(log)),
      socket_(context),
      timer_(context),
      tick_timer_(context),
      health_(Clock::now()),
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
  const bool needed = settings_.purpose != Purpose::reading || !waiting_.empty();
  if (state_ == State::resting && needed) connect();
  if (state_ == State::ready) send_waiting();
}

void Connection::stop() {
  if (state_ == State::stopped) return;
  close();
  state_ = State::stopped;
  timer_.cancel();
  tick_timer_.cancel();
  fail_requests({.code = Error::stopped, .message = "stopped"});
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
    assert(prepares(settings_.purpose, query.statement));
    values.clear();
    lengths.clear();
    for (const auto& parameter : query.parameters) {
      values.push_back(parameter ? parameter->data() : nullptr);
      lengths.push_back(parameter ? static_cast<int>(parameter->size()) : 0);
    }
    formats.assign(values.size(), 1);
    if (!PQsendQueryPrepared(session_.get(), text_of(query.statement).name,
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
  if (!sent_any) return;
  health_.asked(Clock::now());
  expect_output();
}

// An empty transaction: the server answers, and does nothing.
void Connection::probe() {
  watch(settings_.statement_timeout + grace);
  probing_ = true;
  probed_ = Clock::now();
  sent_.push_back({.request = {.queries = {}, .done = [this](const Failure& failure, auto&&) {
                                 probing_ = false;
                                 if (!failure) failed_attempts_ = 0;
                               }}});
  if (!PQpipelineSync(session_.get())) return lose(failure_of(session_.get()));
  health_.asked(probed_);
  expect_output();
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
  if (state_ == State::setting_up) read_set_up();
  if (state_ == State::preparing || state_ == State::ready) read_results();
  if (generation != generation_) return;
  PQisBusy(session_.get());  // reads what the server says unasked, too
  if (!alive || PQstatus(session_.get()) == CONNECTION_BAD) {
    lose(farewell_ ? farewell_ : failure_of(session_.get()));
    return;
  }
  if (state_ == State::ready) health_.answered(Clock::now(), !sent_.empty());
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
  const bool about_request = !failure.reconnect || failure.state == "25006";
  const bool seen_to = finished.request.by_rows && may_be_about_rows(failure);
  if (failure && !seen_to && (about_request || !ended_session(failure))) {
    report(failure, about_request);
    if (reported_request_) reported_asker_ = asker;
  }
  if (worked && (!reported_request_ || reported_asker_ == asker)) report_success("works again");
  if (is_timeout(failure)) plan_anew();
  if (failure.reconnect || (failure && finished.request.queries.empty())) lose(failure);
}

// What a statement does was decided when the tables were different, perhaps.
void Connection::plan_anew() {
  if (settings_.purpose == Purpose::reading || settings_.purpose == Purpose::registry) return;
  waiting_.push_front({.queries = {{Statement::discard_plans}},
                       .done = [](const Failure&, std::vector<Result>) {}});
}

}  // namespace postoffice::postgres
