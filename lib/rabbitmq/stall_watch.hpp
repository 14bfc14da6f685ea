// Notices a broker that has stopped confirming.
#pragma once

#include "rabbitmq/frame_sink.hpp"

namespace postoffice::rabbitmq {

class StallWatch {
 public:
  static constexpr auto limit = std::chrono::seconds(5);

  /// The broker confirmed something, or nothing is on its way.
  void progress(SteadyTime now) { progress_ = now; }

  /// True once, and again after another `limit`: it will not confirm any more.
  bool stalled(SteadyTime now) {
    if (now < next()) return false;
    progress_ = now;
    return true;
  }

  SteadyTime next() const { return progress_ + limit; }

 private:
  SteadyTime progress_{};
};

}  // namespace postoffice::rabbitmq
