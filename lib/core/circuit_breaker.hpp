// Holds fetches back while the source answers nobody.
#pragma once

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Opens after a run of fetches that met silence: no connection, or no answer in time. Any answer
/// of the source ends the run, even an error: the source is up. So ids that fail beside others that
/// do not fail never open it, nor do ids that the source answers with an error.
///
/// A time-out is about the time since its fetch began: if anything was heard since then, the source
/// is slow, not silent.
///
/// While open it lets one probe through every second; anything heard closes it.
class CircuitBreaker {
 public:
  static constexpr int failures_to_open = 32;
  static constexpr Duration probe_every = std::chrono::seconds(1);

  bool open() const { return failures_ >= failures_to_open; }

  /// May a fetch begin now?
  bool allows(Timestamp now) const { return !open() || now >= next_probe_; }

  void begun(Timestamp now) {
    if (!open()) return;
    next_probe_ = now + probe_every;
    ++probes_;
  }

  /// Probes are ids that were never tried, if there are any: an id that failed may fail for reasons
  /// of its own. New ids may fail, too, so every fourth probe is a retry.
  bool turn_of_retries() const { return probes_ % 4 == 3; }

  void heard(Timestamp now) {
    failures_ = 0;
    heard_ = now;
  }
  void not_connected(Timestamp now) {
    if (open()) return;
    if (++failures_ == failures_to_open) next_probe_ = now + probe_every;
  }
  void timed_out(Timestamp began, Timestamp now) {
    if (began >= heard_) not_connected(now);
  }

  Timestamp next_probe() const { return next_probe_; }

 private:
  int failures_ = 0;
  unsigned probes_ = 0;
  Timestamp heard_{};
  Timestamp next_probe_{};
};

}  // namespace postoffice::core
