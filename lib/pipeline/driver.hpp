// Between the decisions and the parts: events in, actions out, all on the clock's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/dispatcher.hpp"
#include "postoffice/pipeline.hpp"

namespace postoffice {

/// Completions of the parts come from any thread, even from inside a call: each puts an event in
/// the inbox, and the next round takes all of them, lets the dispatcher decide, and carries that
/// out. A round never runs inside another.
class Pipeline::Driver : public std::enable_shared_from_this<Pipeline::Driver> {
 public:
  Driver(Parts parts, PipelineOptions options, Log log);

  std::error_code start();
  void stop(std::function<void()> done);
  /// From here on nothing touches the parts any more. Waits for a round that is running.
  void close();

  void set_fetch_concurrency(std::size_t fetches);
  PipelineStatus status() const;
  void progress(Receipt receipt, ProgressDone done);

 private:
  using Event = std::function<void(Timestamp now)>;
  enum class Phase { idle, running, draining, stopping, stopped };

  void post(Event event);
  void schedule(Timestamp when);
  void round();
  void carry_out(core::Actions& actions);
  void read();
  void drain_step(Timestamp now);
  void publish(Timestamp now);
  void report_changes(Timestamp now);
  void report_behind(Timestamp now);
  void report_stuck_rows(Timestamp now);
  std::vector<StuckRow> stuck_rows(std::size_t limit) const;
  Timestamp stuck_since() const;

  const Parts parts_;
  const PipelineOptions options_;
  const Log log_;

  std::mutex inbox_mutex_;
  std::vector<Event> inbox_;
  bool round_posted_ = false;

  std::mutex round_mutex_;  // held during a round, and by close()
  bool closed_ = false;
  std::atomic<bool> accepting_{false};

  // Only a round touches these.
  core::Dispatcher dispatcher_;
  Phase phase_ = Phase::idle;
  bool reading_ = false;
  Timestamp next_wake_ = Timestamp::max();
  Timestamp drain_until_{};
  std::vector<std::function<void()>> stop_done_;
  bool store_was_up_ = true;
  bool source_was_silent_ = false;
  bool was_behind_ = false;
  bool rows_were_stuck_ = false;

  mutable std::mutex status_mutex_;
  PipelineStatus status_;            // but for `queue` and what follows from it
  std::uint64_t delivered_ids_ = 0;  // of the same moment
};

}  // namespace postoffice
