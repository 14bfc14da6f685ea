// How a connection begins and ends its sessions, and what it tells of that. What comes first in one
// is in connection_set_up.cpp, the rest in connection.cpp.
#include <algorithm>
#include <asio/post.hpp>
#include <system_error>
#include <utility>

#include "postgres/connection.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

constexpr std::chrono::milliseconds first_pause{100};

/// Between two looks at an idle session.
constexpr std::chrono::seconds tick_every{1};

/// Sessions that end and begin again at once are told of no more often.
constexpr std::chrono::minutes between_partings{10};

using Clock = std::chrono::steady_clock;

std::string line_of(const Failure& failure) {
  return failure.state.empty() ? failure.message : failure.state + ": " + failure.message;
}

/// While nothing is asked, libpq takes what the server says for a notice.
void keep_farewell(void* farewell, const PGresult* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (!severity || std::string_view(severity) != "FATAL") return;
  Failure& kept = *static_cast<Failure*>(farewell);
  kept = failure_of(notice);
  kept.reconnect = true;
}

}  // namespace

void Connection::connect() {
  state_ = State::connecting;
  ++generation_;
  health_.connecting(Clock::now());
  watch(std::min(options_.connect_timeout(), SessionHealth::patience));
  if (settings_.purpose != Purpose::reading && !std::exchange(ticking_, true)) arm_tick();
  try {
    opener_ = std::make_unique<Opener>(options_, [context = &context_, weak = weak_from_this(),
                                                  generation = generation_](Opened opened) {
      asio::post(*context, [weak, generation, opened = std::move(opened)]() mutable {
        const auto self = weak.lock();
        if (!self) return;
        std::unique_lock lock(self->completions_->mutex);
        if (generation != self->generation_ || self->state_ == State::stopped) return;
        self->opened(std::move(opened));
        self->completions_->run_and_unlock(std::move(lock));
      });
    });
  } catch (const std::system_error& error) {
    lose(unavailable("cannot begin to connect: " + std::string(error.what())));
  }
}

void Connection::opened(Opened opened) {
  opener_.reset();
  server_ = std::move(opened.server);
  health_.set_server(server_);
  if (!opened.session) return lose(std::move(opened.failure));
  session_ = std::move(opened.session);
  farewell_ = {};
  PQsetNoticeReceiver(session_.get(), keep_farewell, &farewell_);
  if (adopt_socket()) begin_set_up();
}

// The attempt goes on: to begin another one would only wait for the same name server or file.
void Connection::still_connecting() {
  const std::string what = opener_->waits_for();
  health_.waits_for(what);
  last_failure_ = unavailable("no connection yet: " + what);
  report(last_failure_, false);
  fail_requests(last_failure_);
}

void Connection::use(ConnectOptions options) {
  options_ = std::move(options);
  if (state_ == State::connecting) close();
  if (state_ == State::connecting || state_ == State::pausing) connect();
}

Failure Connection::down() const {
  const StoreStatus status = health_.status(Clock::now());
  if (status.up) return {};
  return last_failure_ ? last_failure_ : unavailable(status.reason);
}

void Connection::tick() {
  arm_tick();
  if (state_ != State::ready) return;
  if (sent_.empty()) return probe();
  const bool silent = probing_ && Clock::now() - probed_ >= SessionHealth::patience;
  if (silent) lose(unavailable("no answer in time"), Loss::silent);
}

void Connection::arm_tick() {
  tick_timer_.expires_after(tick_every);
  tick_timer_.async_wait([weak = weak_from_this()](std::error_code error) {
    const auto self = weak.lock();
    if (!self || error) return;
    std::unique_lock lock(self->completions_->mutex);
    if (self->state_ == State::stopped) return;
    self->tick();
    self->completions_->run_and_unlock(std::move(lock));
  });
}

void Connection::lose(Failure failure, Loss loss) {
  const bool was_ready = state_ == State::ready;
  if (rest_if_idle(failure, was_ready)) return;
  close();
  // After a good session the first attempt comes at once, and what is asked meanwhile waits for it.
  const bool at_once = was_ready && failed_attempts_ == 0;
  if (at_once && loss == Loss::told && ended_session(failure)) {
    ++partings_;
    parting_ = line_of(failure);
  } else {
    if (!parting_.empty()) say(LogLevel::warning, "the session was ended (" + parting_ + ")");
    parting_.clear();
    health_.failed(Clock::now(), failure.message);
    report(failure, false);
  }
  fail_requests(failure);
  state_ = State::pausing;
  last_failure_ = at_once ? Failure{} : failure;
  watch(at_once ? std::chrono::milliseconds(0) : next_pause());
  ++failed_attempts_;
}

// Somebody on the way, or the server, ends what is idle for long. Nobody misses a session that
// reads until he asks.
bool Connection::rest_if_idle(const Failure& failure, bool was_ready) {
  const bool idle = was_ready && sent_.empty() && waiting_.empty();
  if (!idle || settings_.purpose != Purpose::reading || !ended_session(failure)) return false;
  close();
  state_ = State::resting;
  ++partings_;
  parting_ = line_of(failure);
  tell_parting("it is opened again when it is needed");
  return true;
}

std::chrono::milliseconds Connection::next_pause() {
  const auto doublings = std::min(failed_attempts_, 16);
  const auto full = std::min(first_pause * (1 << doublings), settings_.reconnect_max);
  std::uniform_int_distribution<std::int64_t> spread(full.count() / 2, full.count());
  return std::chrono::milliseconds(spread(random_));
}

void Connection::close() {
  ++generation_;
  opener_.reset();
  if (socket_.is_open()) socket_.release();
  session_.reset();
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
  if (about_request) health_.refuses(failure.message);
  say(LogLevel::warning, failure.message);
}

void Connection::say(LogLevel level, const std::string& message) const {
  if (!log_) return;
  log_(level, settings_.name + (server_.empty() ? "" : " (" + server_ + ")") + ": " + message);
}

// Where sessions are ended every few seconds, one line of it is enough.
void Connection::tell_parting(const std::string& then) {
  const std::string why = std::exchange(parting_, {});
  const auto now = Clock::now();
  const bool told = parting_told_ != Clock::time_point{} && now - parting_told_ < between_partings;
  if (told) return;
  parting_told_ = now;
  const int times = std::exchange(partings_, 0);
  const std::string count = times > 1 ? ", " + std::to_string(times) + " times by now" : "";
  say(LogLevel::info, "the session was ended (" + why + ")" + count + "; " + then);
}

void Connection::report_success(const std::string& what) {
  if (last_reported_.empty()) return;
  last_reported_.clear();
  reported_request_ = false;
  health_.refuses({});
  if (log_) log_(LogLevel::info, settings_.name + ": " + what);
}

// The limit moves with every answer; the timer is only set again when it fires too early, or would
// fire too late.
void Connection::watch(std::chrono::milliseconds span) {
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
    case State::connecting: still_connecting(); return;
    case State::setting_up:
    case State::preparing:
      lose(unavailable("the schema was not ready in time"), Loss::silent);
      return;
    case State::ready:
      if (!sent_.empty()) lose(unavailable("no answer in time"), Loss::silent);
      return;
    case State::resting:
    case State::stopped: return;
  }
}

}  // namespace postoffice::postgres
