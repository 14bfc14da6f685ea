// One PostgreSQL connection on the event loop: opens itself again and again, and sends requests in
// a pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

// After a header of the standard library: Asio chooses its allocation by what that has defined, and
// all files must choose the same.
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "postgres/completions.hpp"
#include "postgres/pooler.hpp"
#include "postgres/request.hpp"
#include "postgres/session.hpp"
#include "postoffice/log.hpp"

namespace postoffice::postgres {

struct ConnectionSettings {
  std::string name;  ///< for messages
  std::string set_up_script;
  Purpose purpose = Purpose::writing;  ///< one that reads connects when the first request comes
  /// Called when a session has ended, or could not begin.
  std::function<void(const Failure&)> ended{};
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds statement_timeout{};
  std::chrono::milliseconds reconnect_max{};
};

/// All methods need the lock of `completions`. `log` and the requests' `done` are called with it
/// held.
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

  /// The session's encoding of text can hold everything.
  bool is_unicode() const { return unicode_; }

  /// What was last reported to be wrong; empty while all is well.
  const std::string& trouble() const { return last_reported_; }

 private:
  enum class State { resting, connecting, greeting, setting_up, ready, pausing, stopped };
  struct Sent {
    Request request;
    std::vector<Result> results{};
    Failure failure{};
    bool committed = false;  // only the position is awaited
  };

  void connect();
  void poll_connect();
  bool adopt_socket();
  void greet();
  void read_greeting();
  void check_for_pooler();
  void end_check();
  void begin_set_up();
  void read_set_up();
  void prepare_statements();
  void become_ready(const Failure& failure);
  void check_transaction(const std::vector<Result>& results);
  void on_readable();
  void read_results();
  void take_result(Result result);
  void finish_first();
  bool send(const Request& request);
  bool send(const std::vector<Query>& queries);
  void send_waiting();
  void plan_anew();
  void lose(Failure failure);
  bool lost_idle() const;
  void close();
  void fail_requests(const Failure& failure);
  void report(const Failure& failure, bool about_request);
  void report_success(const std::string& what);
  void watch(std::chrono::milliseconds span);
  void arm_timer();
  void on_timer();
  void expect_input();
  void expect_output();
  std::chrono::milliseconds next_pause();
  template <typename Handler>
  auto guarded(Handler handler);

  const std::shared_ptr<Completions> completions_;
  const ConnectOptions options_;
  const ConnectionSettings settings_;
  const Log log_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer timer_;
  Session session_;
  std::optional<PoolerCheck> pooler_check_;  // has the session while it goes on
  bool behind_pooler_ = false;
  std::string transaction_;  // the first that was seen
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
  std::minstd_rand random_;
};

}  // namespace postoffice::postgres
