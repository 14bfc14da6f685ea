// How a connection begins and ends its sessions. Their requests are in connection.cpp.
#include <algorithm>
#include <asio/post.hpp>
#include <system_error>
#include <utility>

#include "postgres/connection.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

/// Between two checks of an idle session.
constexpr std::chrono::seconds tick_every{1};

using Clock = std::chrono::steady_clock;

/// Without a request under way, libpq treats the server's messages as notices.
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
  report_.set_server(std::move(opened.server));
  if (!opened.session) return lose(std::move(opened.failure));
  session_ = std::move(opened.session);
  farewell_ = {};
  PQsetNoticeReceiver(session_.get(), keep_farewell, &farewell_);
  if (adopt_socket()) begin_set_up();
}

bool Connection::adopt_socket() {
  std::error_code error;
  socket_.assign(PQsocket(session_.get()), error);
  if (error) lose(unavailable("the socket cannot be watched: " + error.message()));
  return !error;
}

void Connection::begin_set_up() {
  state_ = State::setting_up;
  watch(settings_.statement_timeout + grace);
  if (!set_up_.begin(session_.get())) return lose(failure_of(session_.get()));
  expect_output();
  expect_input();
}

void Connection::read_set_up() {
  auto failure = set_up_.read(session_.get());
  if (!failure) return;
  if (*failure) return lose(*std::move(failure));
  const bool sent = set_up_.prepare(session_.get(), requests_, [this](const Failure& refused) {
    refused ? lose(refused) : become_ready();
  });
  if (!sent) return lose(failure_of(session_.get()));
  state_ = State::preparing;
  expect_output();
}

void Connection::become_ready() {
  state_ = State::ready;
  reconnect_.opened();
  report_.connected();
}

// The attempt continues: another one would only wait for the same name server or file.
void Connection::still_connecting() {
  const std::string what = opener_->waits_for();
  health_.waits_for(what);
  const Failure failure = unavailable("no connection yet: " + what);
  reconnect_.still_opening(failure);
  report_.failed(failure);
  fail_requests(failure);
}

void Connection::use(ConnectOptions options) {
  options_ = std::move(options);
  if (state_ == State::connecting) close();
  if (state_ == State::connecting || state_ == State::pausing) connect();
}

Failure Connection::down() const {
  const StoreStatus status = health_.status(Clock::now());
  if (status.up) return {};
  return reconnect_.failure() ? reconnect_.failure() : unavailable(status.reason);
}

void Connection::tick() {
  arm_tick();
  if (state_ != State::ready) return;
  if (!requests_.any_sent()) return probe();
  const bool silent = probed_ && Clock::now() - *probed_ >= SessionHealth::patience;
  if (silent) lose(unavailable("no answer in time"), Loss::silent);
}

void Connection::arm_tick() {
  tick_timer_.expires_after(tick_every);
  tick_timer_.async_wait(locked([](Connection& self) { self.tick(); }));
}

void Connection::lose(Failure failure, Loss loss) {
  const bool was_ready = state_ == State::ready;
  if (rest_if_idle(failure, was_ready)) return;
  close();
  const bool at_once = reconnect_.at_once(was_ready);
  if (at_once && loss == Loss::told && ended_session(failure)) {
    report_.parted(failure);
  } else {
    report_.lost(failure);
  }
  fail_requests(failure);
  state_ = State::pausing;
  watch(reconnect_.ended(at_once, std::move(failure)));
}

// The server, or a proxy, ends sessions that are idle for long. A reading session is not needed
// before the next request.
bool Connection::rest_if_idle(const Failure& failure, bool was_ready) {
  const bool idle = was_ready && !requests_.any_sent() && !requests_.any_waiting();
  if (!idle || settings_.purpose != Purpose::reading || !ended_session(failure)) return false;
  close();
  state_ = State::resting;
  report_.parted(failure);
  report_.rests();
  return true;
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
  requests_.fail(failure);
}

void Connection::watch(std::chrono::milliseconds span) {
  if (deadline_.move(span)) arm_timer();
}

void Connection::arm_timer() {
  const std::uint64_t number = deadline_.arm();
  deadline_.timer().async_wait(locked([number](Connection& self) {
    switch (self.deadline_.fired(number)) {
      case MovingDeadline::Fired::stale: return;
      case MovingDeadline::Fired::early: return self.arm_timer();
      case MovingDeadline::Fired::due: return self.on_timer();
    }
  }));
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
      if (requests_.any_sent()) lose(unavailable("no answer in time"), Loss::silent);
      return;
    case State::resting:
    case State::stopped: return;
  }
}

}  // namespace postoffice::postgres
