// Where a connection stands, and for how long it may.
#pragma once

#include <chrono>

#include "http/server/service.hpp"

namespace postoffice::http {

/// Knows no socket and no clock. Who stands between two requests is idle, in the middle of one in
/// its head or its body; one that lingers has been told that it ends, and is read until its client
/// has seen that.
class ConnectionPhase {
 public:
  using Time = std::chrono::steady_clock::time_point;

  enum class Phase : unsigned char { idle, head, body, lingering, closed };

  explicit ConnectionPhase(Time now) : request_begun_(now), begun_(now) {}

  bool is(Phase phase) const { return phase_ == phase; }
  bool in_request() const { return is(Phase::head) || is(Phase::body); }

  void enter(Phase phase, Time now) {
    phase_ = phase;
    begun_ = now;
    if (phase == Phase::head) request_begun_ = now;
  }
  /// What had begun was no request. It has been idle since then.
  void take_back_head() { phase_ = Phase::idle; }

  /// The server is stopping.
  void stop(Time now) {
    stopping_ = true;
    stop_begun_ = now;
  }
  bool stopping() const { return stopping_; }

  /// What to do about a client that is too late.
  struct Verdict {
    bool late = false;
    int status = 0;  ///< to refuse its request with; 0: close, there is none
    const char* detail = "";
  };
  Verdict verdict(Time now, const ServerLimits& limits) const;

 private:
  Phase phase_ = Phase::idle;
  bool stopping_ = false;
  Time request_begun_;
  Time begun_;
  Time stop_begun_;
};

}  // namespace postoffice::http
