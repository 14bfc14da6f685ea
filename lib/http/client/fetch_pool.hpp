// Fetches over a pool of keep-alive connections to one source.
#pragma once

#include <array>
#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "http/client/address_book.hpp"
#include "http/client/connect_window.hpp"
#include "http/client/deadline_wheel.hpp"
#include "http/client/fetch.hpp"
#include "http/client/keep_alive_policy.hpp"
#include "http/client/refused_answers.hpp"
#include "http/client/rest.hpp"
#include "http/client/source_connection.hpp"
#include "http/client/source_url.hpp"
#include "http/server/poller.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

/// A fetch waits for a connection (`waiting_`, or `retries_` for a fresh one), is carried by one,
/// and ends in `ready_`. A connection connects, carries a fetch (busy) or is idle.
///
/// Threads: everything happens under one lock, which the loop's thread finds free but for stop(); a
/// batch of events takes it once. Completions are called under it too, after all bookkeeping, so
/// that when stop() returns none is running any more; the lock is recursive because a completion
/// may call stop().
class FetchPool : public SourceConnectionEvents, public std::enable_shared_from_this<FetchPool> {
 public:
  FetchPool(EventLoop& loop, HttpObjectSourceOptions options, Log log);

  void fetch(ObjectId id, std::chrono::milliseconds timeout, ObjectSource::Done done);

  /// Fails everything unanswered with Error::stopped, on the calling thread.
  void stop();

  HttpObjectSourceStatus status() const;

  void ready(SourceConnection& connection) override;

 private:
  using SteadyClock = std::chrono::steady_clock;
  using Time = SteadyClock::time_point;
  using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>,
                                           asio::io_context::executor_type>;

  /// So many fetches in a row without an answer of use: perhaps the name has moved.
  static constexpr std::size_t failed_run_to_distrust = 8;

  /// Runs `task` unless the pool was stopped, then does what it made due.
  template <typename Task>
  void locked(Task task) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    task();
    settle();
  }
  void finish_batch();
  void settle();
  void complete_ready();
  void publish_status();

  // Fetches.
  void post_take_inbox();
  void take_inbox();
  void complete(Fetch& fetch, FetchResult result);
  void fail(Fetch& fetch, Error error, std::string reason);
  void fail_one_waiting(const std::string& reason);
  void expire(Fetch& fetch);
  void judge(const std::error_code& error);
  void count_refused(Refusal refusal, const std::string& reason, ObjectId id);
  void count_taken();
  std::size_t wanting() const { return waiting_.size() + retries_.size(); }

  // Connections.
  std::size_t connections() const { return connecting_.size() + busy_.size() + idle_.size(); }
  void open_connections();
  void look_up();
  void start_connect(std::size_t addresses_tried);
  std::error_code begin_connect(SourceConnection& connection);
  void connect_ended(SourceConnection& connection);
  void connect_failed(SourceConnection& connection, const std::error_code& error);
  void carry(SourceConnection& connection, FetchList& source);
  void make_idle(SourceConnection& connection);
  void readable(SourceConnection& connection);
  void read_answer(SourceConnection& connection, const std::error_code& error, std::size_t size);
  void answered(SourceConnection& connection, ReadAnswer answer, bool reusable);
  std::unique_ptr<ResponseReader> take_reader();
  void keep_reader(std::unique_ptr<ResponseReader> reader);
  void broken(SourceConnection& connection, const std::string& reason);
  void drop(SourceConnection& connection);
  void tend_connections(Time now);
  void leave_other_addresses();
  void report_reachable(bool reachable, const std::string& reason);

  // Time.
  void arm_timer();
  void on_timer();

  EventLoop& loop_;
  asio::io_context& context_;
  const HttpObjectSourceOptions options_;
  const Log log_;
  const SourceUrl url_;
  const ResponseLimits limits_;
  const std::string request_prefix_;
  const std::string request_suffix_;
  const std::string last_request_suffix_;  // of a connection's only request

  std::mutex inbox_mutex_;
  FetchList inbox_;
  FetchList spare_;         // ended fetches, to be used again
  bool taker_due_ = false;  // somebody will take what is in the inbox

  std::recursive_mutex mutex_;  // guards everything below
  bool stopped_ = false;
  FetchList waiting_;
  FetchList retries_;
  FetchList ready_;                  // have a result, to be completed
  FetchList ended_;                  // on their way to spare_
  SourceConnectionList connecting_;  // in the order of their start
  SourceConnectionList busy_;
  SourceConnectionList idle_;     // the last used first, so that the ones not needed age
  SourceConnectionList dropped_;  // closed; the running batch may still hold an event of theirs
  std::vector<std::unique_ptr<ResponseReader>> spare_readers_;
  Poller poller_;
  bool polling_ = false;
  Time short_until_{};  // no connection is opened before
  ConnectWindow connect_window_;
  KeepAlivePolicy keep_alive_;
  bool keeping_told_ = true;
  std::size_t failed_run_ = 0;  // fetches in a row that got no answer of use
  Rest rest_;
  AddressBook addresses_;
  DeadlineWheel deadlines_;
  Timer timer_;
  std::chrono::milliseconds timer_period_{0};  // zero while it is not set
  enum class Reachable { unknown, yes, no } reachable_ = Reachable::unknown;
  std::string request_;
  std::array<char, 64 * 1024> buffer_;

  std::atomic<std::uint64_t> connections_shown_{0};
  std::atomic<std::uint64_t> connecting_shown_{0};
  std::atomic<std::uint64_t> idle_shown_{0};
  std::atomic<bool> keeping_shown_{true};

  mutable std::mutex refused_mutex_;  // the loop's thread alone writes what it guards
  RefusedAnswers refused_;
  bool only_refused_told_ = false;
};

}  // namespace postoffice::http
