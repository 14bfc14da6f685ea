// Holds fetches back while the source says nothing to anybody.
#pragma once

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Opens after a run of fetches that met silence: no connection, or no answer in time. Whatever the
/// source says ends the run, an error too: somebody is there. So ids that fail beside others that
/// do not, never open it, nor do ids that the source answers with an error.
///
/// A time-out tells of the time since its fetch began: if something was heard since, the source is
/// slow and not silent.
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

  /// Probes are ids that were never tried, if there are any: what failed may fail for reasons of
  /// its own. But those may, too, so every fourth is another.
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
