// A clock that a test moves by hand.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "postoffice/clock.hpp"

namespace postoffice::testing {

/// Time moves only in advance(). Tasks run inside advance() and run_ready(), in order of their
/// times, on the calling thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = Timestamp(std::chrono::hours(24 * 365 * 50)))
      : now_(start) {}

  Timestamp now() const noexcept override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  void call_at(Timestamp when, std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.emplace(when, std::move(task));
  }

  void not_before(Timestamp floor) override {
    const std::lock_guard lock(mutex_);
    now_ = std::max(now_, floor);
  }

  /// Runs every task that is due now, also those that these make due. Returns how many ran.
  std::size_t run_ready() { return run_until(now()); }

  /// Moves time on by `span`, stopping at each task's time to run it.
  std::size_t advance(Duration span) { return run_until(now() + span); }

 private:
  std::size_t run_until(Timestamp end) {
    std::size_t ran = 0;
    for (std::function<void()> task; take(end, task); ++ran) task();
    not_before(end);
    return ran;
  }

  bool take(Timestamp end, std::function<void()>& task) {
    const std::lock_guard lock(mutex_);
    const auto first = tasks_.begin();
    if (first == tasks_.end() || first->first > end) return false;
    now_ = std::max(now_, first->first);
    task = std::move(first->second);
    tasks_.erase(first);
    return true;
  }

  mutable std::mutex mutex_;
  Timestamp now_;
  std::multimap<Timestamp, std::function<void()>> tasks_;
};

}  // namespace postoffice::testing
