// One PostgreSQL connection on the event loop: reopens itself (on a separate thread), and sends
// requests in a pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

// After a header of the standard library: Asio chooses its allocation function by macros defined
// there, and all files must choose the same.
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
  Purpose purpose = Purpose::writing;  ///< a reading one connects at its first request
  /// Called when a session has ended, or could not begin.
  std::function<void(const Failure&)> ended{};
  std::chrono::milliseconds statement_timeout{};
  std::chrono::milliseconds reconnect_max{};
};

/// All methods except health() need the lock of `completions`. `log` and the requests' `done` are
/// called with it held.
///
/// An idle writing session is probed, so that an outage is noticed without traffic. An idle reading
/// session is left alone.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& context, std::shared_ptr<Completions> completions,
             ConnectOptions options, ConnectionSettings settings, Log log);

  void start();

  /// Fails at once while the server is known to be down, otherwise within a bounded time.
  void submit(Request request);

  /// Sends what was submitted.
  void flush();

  /// Fails every request; the connection cannot be used any more.
  void stop();

  /// Takes other credentials, for the next session; connects at once if there is none.
  void use(ConnectOptions options);

  /// Any thread, and never waits for the connection's work.
  const SessionHealth& health() const { return health_; }

  /// There is a session.
  bool ready() const { return state_ == State::ready; }

  /// Why no request can succeed now; none: requests can, or that is not known yet.
  Failure down() const;

  /// Whether the session's encoding can represent every text.
  bool is_unicode() const { return set_up_.is_unicode(); }

 private:
  /// How much later than its own time limits the server may answer.
  static constexpr std::chrono::milliseconds grace{2'000};

  enum class State { resting, connecting, setting_up, preparing, ready, pausing, stopped };
  enum class Loss { told, silent };  // ended by the server (or its system); no answer

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
  /// The same, and also does nothing once its session has ended.
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
  std::optional<std::chrono::steady_clock::time_point>
      probed_;        // when it was probed, if not answered yet
  Failure farewell_;  // the server's unsolicited message before it ended the session
  ReconnectPlan reconnect_;
};

}  // namespace postoffice::postgres
