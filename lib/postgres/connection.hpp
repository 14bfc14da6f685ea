// One PostgreSQL connection on the event loop: opens itself again and again (on a thread aside),
// and sends requests in a pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

// After a header of the standard library: Asio chooses its allocation by what that has defined, and
// all files must choose the same.
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "postgres/completions.hpp"
#include "postgres/moving_deadline.hpp"
#include "postgres/opener.hpp"
#include "postgres/reconnect_plan.hpp"
#include "postgres/request_pipeline.hpp"
#include "postgres/session.hpp"
#include "postgres/session_health.hpp"
#include "postgres/session_report.hpp"
#include "postgres/session_set_up.hpp"
#include "postoffice/log.hpp"

namespace postoffice::postgres {

struct ConnectionSettings {
  std::string name;  ///< for messages
  std::string set_up_script;
  Purpose purpose = Purpose::writing;  ///< one that reads connects when the first request comes
  /// Called when a session has ended, or could not begin.
  std::function<void(const Failure&)> ended{};
  std::chrono::milliseconds statement_timeout{};
  std::chrono::milliseconds reconnect_max{};
};

/// All methods need the lock of `completions`, but for health(). `log` and the requests' `done` are
/// called with it held.
///
/// A session that writes is asked for a sign of life when there is nothing else to do, so that an
/// outage is noticed without traffic. One that reads rests while nobody asks.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& context, std::shared_ptr<Completions> completions,
             ConnectOptions options, ConnectionSettings settings, Log log);

  void start();

  /// While the server is known to be down, fails at once; else within a bounded time.
  void submit(Request request);

  /// Sends what was submitted.
  void flush();

  /// Fails every request; the connection is of no more use.
  void stop();

  /// Other credentials, from the next session on, and at once while there is none.
  void use(ConnectOptions options);

  /// Any thread, and never waits for the connection's work.
  const SessionHealth& health() const { return health_; }

  /// There is a session.
  bool ready() const { return state_ == State::ready; }

  /// Why nothing can be asked now; none: something can, or that is not known yet.
  Failure down() const;

  /// The session's encoding of text can hold everything.
  bool is_unicode() const { return set_up_.is_unicode(); }

 private:
  /// What the server may be late beyond its own time limits.
  static constexpr std::chrono::milliseconds grace{2'000};

  enum class State { resting, connecting, setting_up, preparing, ready, pausing, stopped };
  enum class Loss { told, silent };  // the server (or its system) has ended it; or says nothing

  // The life of a session: connection_life.cpp.
  void connect();
  void opened(Opened opened);
  void still_connecting();
  bool adopt_socket();
  void begin_set_up();
  void read_set_up();
  void become_ready();
  void lose(Failure failure, Loss loss = Loss::told);
  bool rest_if_idle(const Failure& failure, bool was_ready);
  void close();
  void fail_requests(const Failure& failure);
  void tick();
  void arm_tick();
  void watch(std::chrono::milliseconds span);
  void arm_timer();
  void on_timer();

  // Requests and answers: connection.cpp.
  void send_waiting();
  void probe();
  void expect_input();
  void expect_output();
  void on_readable();
  void read_results();
  void finish(RequestPipeline::Finished finished);

  /// A handler that does nothing once the connection is gone or stopped, runs under the store's
  /// lock, and lets the completions run afterwards.
  template <typename Handler>
  auto locked(Handler handler) {
    return [weak = weak_from_this(), handler = std::move(handler)](std::error_code error) mutable {
      const auto self = weak.lock();
      if (!self || error) return;
      std::unique_lock lock(self->completions_->mutex);
      if (self->state_ == State::stopped) return;
      handler(*self);
      self->completions_->run_and_unlock(std::move(lock));
    };
  }
  /// Nor once the session it belongs to is gone.
  template <typename Handler>
  auto of_this_session(Handler handler) {
    return locked(
        [generation = generation_, handler = std::move(handler)](Connection& self) mutable {
          if (generation == self.generation_) handler(self);
        });
  }

  asio::io_context& context_;
  const std::shared_ptr<Completions> completions_;
  ConnectOptions options_;
  const ConnectionSettings settings_;
  SessionHealth health_;
  SessionReport report_;
  SessionSetUp set_up_;
  RequestPipeline requests_;
  asio::posix::stream_descriptor socket_;
  MovingDeadline deadline_;
  asio::steady_timer tick_timer_;
  std::unique_ptr<Opener> opener_;  // while connecting
  Session session_;
  std::uint64_t generation_ = 0;  // of the session; handlers of an older one do nothing
  State state_ = State::resting;
  bool ticking_ = false;
  bool writing_ = false;
  std::optional<std::chrono::steady_clock::time_point> probed_;  // and not answered yet
  Failure farewell_;  // what the server said unasked before it ended the session
  ReconnectPlan reconnect_;
};

}  // namespace postoffice::postgres
