// Fetches over a pool of connections to one source: owns the lock, the loop's work and the timer.
#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "http/client/connection_pool.hpp"
#include "http/client/fetch_queue.hpp"
#include "http/client/source_report.hpp"
#include "http/client/source_url.hpp"
#include "net/address_book.hpp"
#include "net/poller.hpp"
#include "postoffice/defaults/http_object_source.hpp"

namespace postoffice::http {

/// The loop's thread works in *turns*: a batch of events, a tick of the timer, an arrival. A turn
/// takes the lock once, does its work, completes the fetches that have ended (releasing the lock
/// for each), and takes in the fetches that their completions began.
///
/// Stopping: from any thread, also twice, also inside a completion. When stop() returns, every
/// fetch has been completed and no completion runs on another thread. So if two threads want to
/// complete fetches, one waits until the other has returned from its running completion
/// (`completing_`), and then completes the rest.
///
/// Threads: fetch(), stop() and status() on any thread. Turns on the loop's. The lock guards
/// `stopped_`, `completing_` and all members after it; only stop() competes with the loop's thread
/// for it.
class FetchPool : private ConnectionOpener::Owner, public std::enable_shared_from_this<FetchPool> {
 public:
  FetchPool(EventLoop& loop, HttpObjectSourceOptions options, Log log);

  void fetch(ObjectId id, std::chrono::milliseconds timeout, ObjectSource::Done done);

  /// Fails everything unanswered with Error::stopped, on the calling thread.
  void stop();

  HttpObjectSourceStatus status() const;

 private:
  using SteadyClock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>,
                                           asio::io_context::executor_type>;
  using Lock = std::unique_lock<std::mutex>;

  // Of ConnectionOpener::Owner.
  std::error_code start_polling() override;
  void look_up() override;

  /// A turn, unless the pool was stopped.
  template <typename Task>
  void turn(Task task) {
    Lock lock(mutex_);
    if (stopped_) return;
    task();
    finish_turn(lock);
  }
  void run_batch(net::PollBatch& batch);
  void finish_turn(Lock& lock);
  void complete_ended(Lock& lock);
  void publish_status();

  void post_arrivals();
  void take_arrivals();

  void arm_timer();
  void on_timer();

  EventLoop& loop_;
  asio::io_context& context_;
  const HttpObjectSourceOptions options_;
  const SourceUrl url_;

  std::mutex mutex_;
  std::condition_variable completed_;
  bool stopped_ = false;
  std::thread::id completing_;  // the thread that runs a completion; none if none runs
  SourceReport report_;
  net::Poller poller_;
  bool polling_ = false;
  net::AddressBook addresses_;
  FetchQueue fetches_;
  ConnectionPool connections_;
  Timer timer_;
  std::chrono::milliseconds timer_period_{0};  // zero while the timer is not set

  std::atomic<std::uint64_t> connections_shown_{0};
  std::atomic<std::uint64_t> connecting_shown_{0};
  std::atomic<std::uint64_t> idle_shown_{0};
  std::atomic<bool> keeping_shown_;
};

}  // namespace postoffice::http
