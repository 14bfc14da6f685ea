#include "http/server/connection_phase.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using postoffice::http::ConnectionPhase;
using postoffice::http::ServerLimits;
using Phase = ConnectionPhase::Phase;

namespace {

const ConnectionPhase::Time start(1h);

// After `span` the client is in time; a moment later it is late, and refused with `status`.
void check_limit(const ConnectionPhase& phase, std::chrono::milliseconds span, int status) {
  const ServerLimits limits;
  CHECK_FALSE(phase.verdict(start + span, limits).late);
  const auto verdict = phase.verdict(start + span + 1ms, limits);
  CHECK(verdict.late);
  CHECK(verdict.status == status);
}

}  // namespace

TEST_CASE("each phase of a connection has its own limit, and the whole request another") {
  const ServerLimits limits;
  ConnectionPhase phase(start);
  check_limit(phase, limits.idle_timeout, 0);
  phase.enter(Phase::head, start);
  check_limit(phase, limits.header_timeout, 408);
  phase.enter(Phase::body, start);
  check_limit(phase, limits.body_timeout, 408);
  // However late its body began.
  phase.enter(Phase::head, start);
  phase.enter(Phase::body, start + limits.request_timeout - 1s);
  check_limit(phase, limits.request_timeout, 408);
  phase.enter(Phase::lingering, start);
  check_limit(phase, limits.linger_timeout, 0);
  phase.enter(Phase::closed, start);
  CHECK_FALSE(phase.verdict(start + 24h, limits).late);
}

TEST_CASE("a server that stops waits for half a request, and for the next one, but not for long") {
  const ServerLimits limits;
  ConnectionPhase phase(start);
  phase.stop(start);
  check_limit(phase, limits.stop_idle, 0);
  for (const Phase one : {Phase::head, Phase::body}) {
    phase.enter(one, start);
    check_limit(phase, limits.stop_timeout, 503);
  }
}

TEST_CASE("an empty line in two pieces is not a request: the connection was idle all along") {
  const ServerLimits limits;
  ConnectionPhase phase(start);
  phase.enter(Phase::head, start);
  phase.take_back_head();
  CHECK_FALSE(phase.in_request());
  check_limit(phase, limits.idle_timeout, 0);
}
