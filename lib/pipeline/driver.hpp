// Between the decisions and the parts: events in, actions out, all on the clock's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/gate.hpp"
#include "base/mailbox.hpp"
#include "core/dispatcher.hpp"
#include "postoffice/pipeline.hpp"

namespace postoffice {

/// Completions of the parts come from any thread, even from inside a call: each puts an event in
/// the inbox, and the next round takes all of them, lets the dispatcher decide, and carries that
/// out. A round never runs inside another.
///
/// Two gates say who may touch the parts. Calls that the parts make end with the stop: nothing that
/// comes back later reaches the clock or the queue. Rounds end with close(); after the stop they
/// only answer what the pipeline's owner asks.
class Pipeline::Driver : public std::enable_shared_from_this<Pipeline::Driver> {
 public:
  Driver(Parts parts, PipelineOptions options, Log log);

  std::error_code start();
  void stop(std::function<void()> done);
  void stop_and_wait();
  /// From here on nothing touches the parts any more. Waits for a round, and for calls of the parts
  /// that are under way: so it must not be called by one of those. What stop() and progress() are
  /// done with may call it, since a round has ended by then.
  void close();

  void set_fetch_concurrency(std::size_t fetches);
  void change(const PipelineOptions& options);
  PipelineStatus status() const;
  void progress(Receipt receipt, ProgressDone done);

 private:
  using Event = std::function<void(Timestamp now)>;
  enum class Phase { idle, running, draining, stopping, stopped };

  void post(Event event);
  void completed(Event event);
  void schedule(Timestamp when);
  void round();
  std::vector<std::function<void()>> run_round();
  void act(Timestamp now, Timestamp as_of, const QueueProgress& queue);
  void carry_out(core::Actions& actions);
  void read();
  void drain_step(Timestamp now);
  void stopped();
  void publish(Timestamp now);
  void report_changes(Timestamp now);
  void report_behind(Timestamp now);
  void report_stuck_rows(Timestamp now);
  std::vector<StuckRow> stuck_rows(std::size_t limit) const;
  Timestamp stuck_since() const;

  const Parts parts_;
  const Log log_;

  Mailbox<Event> inbox_;
  Gate calls_;   // made by the parts: completions, and callbacks to accept
  Gate rounds_;  // one at a time
  std::atomic<bool> accepting_{false};
  std::atomic<std::thread::id> round_thread_{};  // of the newest round

  // Only a round touches these.
  PipelineOptions options_;
  core::Dispatcher dispatcher_;
  Phase phase_ = Phase::idle;
  bool reading_ = false;
  Timestamp next_wake_ = Timestamp::max();
  Timestamp drain_until_{};
  Timestamp last_round_{};
  std::vector<std::function<void()>> stop_done_;
  std::vector<std::function<void()>>
      answers_;  // for after the round: each may destroy the pipeline
  bool store_was_up_ = true;
  bool source_was_silent_ = false;
  bool was_behind_ = false;
  bool rows_were_stuck_ = false;

  mutable std::mutex status_mutex_;
  PipelineStatus status_;            // but for `queue` and what follows from it
  std::uint64_t delivered_ids_ = 0;  // of the same moment
  core::Durations durations_;        // of the same moment
};

}  // namespace postoffice
