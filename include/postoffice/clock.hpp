// Seam: time, and the thread on which the pipeline lives.
#pragma once

#include <functional>

#include "postoffice/types.hpp"

namespace postoffice {

/// Tells the time and runs tasks later. The tasks given to call_at() run one after another, never
/// two at once: together they are the pipeline's thread.
///
/// Threads: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall-clock time that never steps: anchored once, then moved by a steady clock (S2).
  /// Never decreases.
  virtual Timestamp now() const noexcept = 0;

  /// Calls `task` once now() >= `when`, or as soon as possible if that time has passed. Tasks with
  /// equal times run in the order given. `task` never runs before call_at() has returned. A clock
  /// that is destroyed drops its remaining tasks uncalled.
  virtual void call_at(Timestamp when, std::function<void()> task) = 0;

  /// From this call on, now() >= `floor`. Used at start, when stored times lie ahead of a wall
  /// clock that was set back: time then continues from `floor`, so nothing expires early.
  virtual void not_before(Timestamp floor) = 0;
};

}  // namespace postoffice
