// Holds fetches back while the source answers nobody.
#pragma once

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Opens after a run of failures without a single answer among them, so ids that fail beside others
/// that do not never open it. While open it lets one probe through every second; any answer closes
/// it.
class Breaker {
 public:
  static constexpr int failures_to_open = 32;
  static constexpr Duration probe_every = std::chrono::seconds(1);

  bool open() const { return failures_ >= failures_to_open; }

  /// May a fetch begin now?
  bool allows(Timestamp now) const { return !open() || now >= next_probe_; }

  void begun(Timestamp now) {
    if (open()) next_probe_ = now + probe_every;
  }
  void answered() { failures_ = 0; }
  void failed(Timestamp now) {
    if (open()) return;
    if (++failures_ == failures_to_open) next_probe_ = now + probe_every;
  }

  Timestamp next_probe() const { return next_probe_; }

 private:
  int failures_ = 0;
  Timestamp next_probe_{};
};

}  // namespace postoffice::core
