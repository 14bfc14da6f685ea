#include "http/server/connection_phase.hpp"

namespace postoffice::http {

ConnectionPhase::Verdict ConnectionPhase::verdict(Time now, const ServerLimits& limits) const {
  const auto in_phase = now - begun_;
  const bool kept_from_stopping = stopping_ && now - stop_begun_ > limits.stop_timeout;
  switch (phase_) {
    case Phase::closed: return {};
    case Phase::lingering: return {.late = in_phase > limits.linger_timeout};
    case Phase::idle:
      return {.late = in_phase > (stopping_ ? limits.stop_idle : limits.idle_timeout)};
    case Phase::head:
      if (kept_from_stopping) break;
      return {in_phase > limits.header_timeout, 408, "the header block did not arrive in time"};
    case Phase::body:
      if (kept_from_stopping) break;
      return {in_phase > limits.body_timeout || now - request_begun_ > limits.request_timeout, 408,
              "the body did not arrive in time"};
  }
  return {true, 503, "the server is stopping"};
}

}  // namespace postoffice::http
