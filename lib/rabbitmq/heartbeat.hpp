// When a heartbeat is due, and when silence means that the connection is dead.
#pragma once

#include <algorithm>

#include "rabbitmq/frame_sink.hpp"

namespace postoffice::rabbitmq {

/// An interval of zero: there are none.
class Heartbeat {
 public:
  enum class Action { none, send, give_up };

  void begin(std::chrono::seconds interval, SteadyTime now) {
    interval_ = interval;
    heard_ = spoke_ = now;
  }
  void heard(SteadyTime now) { heard_ = now; }
  void spoke(SteadyTime now) { spoke_ = now; }

  /// `idle`: nothing waits to be sent, which would do as well.
  Action due(SteadyTime now, bool idle) const {
    if (interval_.count() == 0) return Action::none;
    if (now >= heard_ + silence_max()) return Action::give_up;
    return idle && now >= spoke_ + interval_ / 2 ? Action::send : Action::none;
  }

  SteadyTime next(SteadyTime now) const {
    if (interval_.count() == 0) return SteadyTime::max();
    return std::min(heard_ + silence_max(), std::max(now, spoke_) + interval_ / 2);
  }

  std::chrono::seconds silence_max() const { return 2 * interval_; }

 private:
  std::chrono::seconds interval_{0};
  SteadyTime heard_{};
  SteadyTime spoke_{};
};

}  // namespace postoffice::rabbitmq
