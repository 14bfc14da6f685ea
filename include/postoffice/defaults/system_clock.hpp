// The real clock.
#pragma once

#include <memory>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"

namespace postoffice {

/// CLOCK_REALTIME read once, moved on by CLOCK_BOOTTIME: steps of the wall clock are invisible
/// while running, and time spent suspended counts. Tasks run on the loop's thread.
///
/// Lifetime: the destructor is the stop. It may run on any thread, also inside a task; tasks that
/// have not begun are dropped, and none runs after it has returned. So do not hold a lock during it
/// that a task takes. The loop must outlive the clock.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(EventLoop& loop);
  ~SystemClock() override;

  Timestamp now() const noexcept override;
  void call_at(Timestamp when, std::function<void()> task) override;
  void not_before(Timestamp floor) override;

  /// How far the wall clock has drifted from this clock since it was anchored; for alarms.
  Duration drift() const noexcept;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
