// The phase of a connection, and its time limit.
#pragma once

#include <chrono>

#include "http/server/service.hpp"

namespace postoffice::http {

/// Knows no socket and no clock. A connection is idle between two requests, and otherwise in the
/// head or the body of one. A lingering connection has sent its end, and is read until the client
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
  /// What had begun was not a request, so the connection has been idle since then.
  void take_back_head() { phase_ = Phase::idle; }

  /// The server is stopping.
  void stop(Time now) {
    stopping_ = true;
    stop_begun_ = now;
  }
  bool stopping() const { return stopping_; }

  /// What to do with a client that is too late.
  struct Verdict {
    bool late = false;
    int status = 0;  ///< status for its request; 0: close, there is no request
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
