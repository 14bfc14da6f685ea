// Calls that come later, and not at all once whoever is called has gone.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/gate.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/types.hpp"

namespace postoffice::cluster {

/// For a part that acts on the clock's thread: its timers, and the completions of what it has asked
/// for. After close() none of them runs any more, so that they may hold the part as it is.
///
/// Threads: at() and guarded() from any, as long as the part lives; close() from any that is not
/// inside a step.
class Steps {
 public:
  explicit Steps(Clock& clock) : clock_(clock) {}

  /// `call`, for others to call whenever and wherever they like.
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

  /// As soon as that thread comes to it.
  void soon(std::function<void()> step) { at(Timestamp::min(), std::move(step)); }

  /// As guarded(), for what has a `done` as its last parameter, which must be told in any case.
  template <typename Call, typename Refuse>
  auto guarded_or(Call call, Refuse refuse) const {
    return [gate = gate_, call = std::move(call), refuse = std::move(refuse)](auto&&... arguments) {
      if (const Gate::Holder inside(*gate); inside) return call(std::move(arguments)...);
      refuse(std::move(arguments)...);
    };
  }

  /// Waits for those under way.
  void close() { gate_->close_and_wait(); }

 private:
  Clock& clock_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace postoffice::cluster
