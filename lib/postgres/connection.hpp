// One PostgreSQL connection on the event loop: opens itself again and again (on a thread aside),
// and sends requests in a pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>

// After a header of the standard library: Asio chooses its allocation by what that has defined, and
// all files must choose the same.
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "postgres/completions.hpp"
#include "postgres/opener.hpp"
#include "postgres/request.hpp"
#include "postgres/session.hpp"
#include "postgres/session_health.hpp"
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
  bool is_unicode() const { return unicode_; }

 private:
  /// What the server may be late beyond its own time limits.
  static constexpr std::chrono::milliseconds grace{2'000};

  enum class State { resting, connecting, setting_up, preparing, ready, pausing, stopped };
  struct Sent {
    Request request;
    std::vector<Result> results{};
    Failure failure{};
    bool committed = false;  // only the position is awaited
  };

  void connect();
  void opened(Opened opened);
  void still_connecting();
  bool adopt_socket();
  void begin_set_up();
  void read_set_up();
  void prepare_statements();
  void become_ready();
  void check_transaction(const std::vector<Result>& results, bool second);
  void on_readable();
  void read_results();
  void take_result(Result result);
  void finish_first();
  bool send(const Request& request);
  bool send(const std::vector<Query>& queries);
  void send_waiting();
  void plan_anew();
  enum class Loss { told, silent };  // the server (or its system) has ended it; or says nothing
  void lose(Failure failure, Loss loss = Loss::told);
  bool rest_if_idle(const Failure& failure, bool was_ready);
  void close();
  void tick();
  void arm_tick();
  void probe();
  void fail_requests(const Failure& failure);
  void report(const Failure& failure, bool about_request);
  void tell_parting(const std::string& then);
  void say(LogLevel level, const std::string& message) const;
  void report_success(const std::string& what);
  void watch(std::chrono::milliseconds span);
  void arm_timer();
  void on_timer();
  void expect_input();
  void expect_output();
  std::chrono::milliseconds next_pause();
  template <typename Handler>
  auto guarded(Handler handler);

  asio::io_context& context_;
  const std::shared_ptr<Completions> completions_;
  ConnectOptions options_;
  const ConnectionSettings settings_;
  const Log log_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer timer_;
  asio::steady_timer tick_timer_;
  std::unique_ptr<Opener> opener_;  // while connecting
  Session session_;
  std::string transaction_;  // the newest that was seen
  SessionHealth health_;
  std::string server_;  // that the newest attempt went to
  Failure farewell_;    // what the server said unasked before it ended the session
  bool ticking_ = false;
  bool probing_ = false;
  std::chrono::steady_clock::time_point probed_;
  State state_ = State::resting;
  std::uint64_t generation_ = 0;  // of the session; handlers of an older one do nothing
  std::uint64_t timer_generation_ = 0;
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point armed_ = std::chrono::steady_clock::time_point::max();
  bool writing_ = false;
  bool unicode_ = true;
  std::deque<Request> waiting_;
  std::deque<Sent> sent_;
  Failure last_failure_;                 // of the attempts since the last success
  std::string last_reported_;            // message, empty while all is well
  bool reported_request_ = false;        // it was about a request, so a new session proves nothing
  Asker reported_asker_ = Asker::other;  // … and whose
  int failed_attempts_ = 0;
  std::string parting_;  // why a good session ended, until the next one has begun or failed to
  int partings_ = 0;     // since one was told of
  std::chrono::steady_clock::time_point parting_told_;
  std::minstd_rand random_;
};

}  // namespace postoffice::postgres
