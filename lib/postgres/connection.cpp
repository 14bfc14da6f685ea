#include "postgres/connection.hpp"

#include <random>
#include <utility>

#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Connection::Connection(asio::io_context& context, std::shared_ptr<Completions> completions,
                       ConnectOptions options, ConnectionSettings settings, Log log)
    : context_(context),
      completions_(std::move(completions)),
      options_(std::move(options)),
      settings_(std::move(settings)),
      health_(Clock::now()),
      report_(settings_.name, std::move(log), health_),
      set_up_(settings_.set_up_script, settings_.purpose),
      requests_(settings_.purpose),
      socket_(context),
      deadline_(context),
      tick_timer_(context),
      reconnect_(settings_.reconnect_max, std::random_device{}()) {}

void Connection::start() {
  if (settings_.purpose != Purpose::reading && state_ == State::resting) connect();
}

void Connection::submit(Request request) {
  if (state_ == State::stopped) {
    request.done(Error::stopped, {});
  } else if (reconnect_.failure() && state_ != State::ready) {
    request.done(reconnect_.failure(), {});
  } else {
    requests_.add(std::move(request));
  }
}

void Connection::flush() {
  const bool needed = settings_.purpose != Purpose::reading || requests_.any_waiting();
  if (state_ == State::resting && needed) connect();
  if (state_ == State::ready) send_waiting();
}

void Connection::stop() {
  if (state_ == State::stopped) return;
  close();
  state_ = State::stopped;
  deadline_.timer().cancel();
  tick_timer_.cancel();
  fail_requests(Error::stopped);
}

void Connection::send_waiting() {
  if (!requests_.can_send()) return;
  if (!requests_.any_sent()) watch(settings_.statement_timeout + grace);
  if (!requests_.send_waiting(session_.get())) return lose(failure_of(session_.get()));
  health_.asked(Clock::now());
  expect_output();
}

// An empty transaction: the server answers, and does nothing.
void Connection::probe() {
  watch(settings_.statement_timeout + grace);
  probed_ = Clock::now();
  const auto answered = [this](const Failure& failure, auto&&) {
    probed_.reset();
    if (!failure) reconnect_.worked();
  };
  if (!requests_.send_sync(session_.get(), {.queries = {}, .done = answered})) {
    return lose(failure_of(session_.get()));
  }
  health_.asked(Clock::now());
  expect_output();
}

void Connection::expect_output() {
  if (writing_) return;
  const int left = PQflush(session_.get());
  if (left < 0) {
    // Reading gives the reason, and the server's last messages before it closed.
    return;
  }
  if (left == 0) return;
  writing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     of_this_session([](Connection& self) {
                       self.writing_ = false;
                       self.expect_output();
                     }));
}

void Connection::expect_input() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     of_this_session([](Connection& self) { self.on_readable(); }));
}

void Connection::on_readable() {
  const std::uint64_t generation = generation_;
  const bool alive = PQconsumeInput(session_.get()) == 1;
  // Some progress was made: the time limit starts anew.
  watch(settings_.statement_timeout + grace);
  if (state_ == State::setting_up) read_set_up();
  if (state_ == State::preparing || state_ == State::ready) read_results();
  if (generation != generation_) return;
  PQisBusy(session_.get());  // reads unsolicited messages of the server, too
  if (!alive || PQstatus(session_.get()) == CONNECTION_BAD) {
    lose(farewell_ ? farewell_ : failure_of(session_.get()));
    return;
  }
  if (state_ == State::ready) health_.answered(Clock::now(), requests_.any_sent());
  if (state_ == State::ready) send_waiting();
  if (generation != generation_) return;
  expect_output();
  expect_input();
}

void Connection::read_results() {
  const std::uint64_t generation = generation_;
  while (generation == generation_) {
    auto finished = requests_.next_finished(session_.get());
    if (!finished) return;
    finish(*std::move(finished));
  }
}

void Connection::finish(RequestPipeline::Finished finished) {
  const Failure& failure = finished.failure;
  const bool worked = !failure && !finished.request.queries.empty();
  if (worked) reconnect_.worked();
  finished.request.done(failure, std::move(finished.results));
  // A session that ended is reported as such, unless the server only became read-only.
  const Asker asker = finished.request.asker;
  const bool about_request = !failure.reconnect || failure.state == "25006";
  const bool seen_to = finished.request.by_rows && may_be_about_rows(failure);
  if (failure && !seen_to && (about_request || !ended_session(failure))) {
    report_.refused(failure, about_request, asker);
  }
  if (worked) report_.worked(asker);
  if (is_timeout(failure)) requests_.plan_anew();
  if (failure.reconnect || (failure && finished.request.queries.empty())) lose(failure);
}

}  // namespace postoffice::postgres
