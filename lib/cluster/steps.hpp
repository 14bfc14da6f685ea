// Deferred calls, which are dropped once the object that they call is closed.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/gate.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/types.hpp"

namespace postoffice::cluster {

/// For a part that acts on the clock's thread: its timers, and the completions of its requests.
/// After close() none of them runs, so they may hold a plain pointer to the part.
///
/// Threads: at() and guarded() from any thread, while the part exists; close() from any thread that
/// is not inside a step.
class Steps {
 public:
  explicit Steps(Clock& clock) : clock_(clock) {}

  /// Wraps `call`, so that it may be called at any time, on any thread.
  template <typename Call>
  auto guarded(Call call) const {
    return [gate = gate_, call = std::move(call)](const auto&... arguments) {
      if (const Gate::Holder inside(*gate); inside) call(arguments...);
    };
  }

  /// Runs `step` at `when` on the clock's thread.
  void at(Timestamp when, std::function<void()> step) {
    clock_.call_at(when, guarded(std::move(step)));
  }

  /// Runs `step` as soon as that thread can.
  void soon(std::function<void()> step) { at(Timestamp::min(), std::move(step)); }

  /// As guarded(), for a call whose last parameter is a `done` that must always be called.
  template <typename Call, typename Refuse>
  auto guarded_or(Call call, Refuse refuse) const {
    return [gate = gate_, call = std::move(call), refuse = std::move(refuse)](auto&&... arguments) {
      if (const Gate::Holder inside(*gate); inside) return call(std::move(arguments)...);
      refuse(std::move(arguments)...);
    };
  }

  /// Waits for steps under way.
  void close() { gate_->close_and_wait(); }

 private:
  Clock& clock_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace postoffice::cluster
