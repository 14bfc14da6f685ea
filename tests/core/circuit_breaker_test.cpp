#include "core/circuit_breaker.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

const Timestamp start{std::chrono::hours(1)};

CircuitBreaker opened() {
  CircuitBreaker breaker;
  for (int i = 0; i < CircuitBreaker::failures_to_open; ++i) breaker.not_connected(start);
  return breaker;
}

}  // namespace

TEST_CASE("the breaker opens after a run of failures, and not one earlier") {
  CircuitBreaker breaker;
  for (int i = 1; i < CircuitBreaker::failures_to_open; ++i) breaker.not_connected(start);
  CHECK_FALSE(breaker.open());
  CHECK(breaker.allows(start));
  breaker.timed_out(start, start + 10s);
  CHECK(breaker.open());
  CHECK_FALSE(breaker.allows(start + 10s));
}

TEST_CASE("one word of the source among failures keeps the breaker closed") {
  CircuitBreaker breaker;
  for (int i = 0; i < 10 * CircuitBreaker::failures_to_open; ++i) {
    breaker.not_connected(start);
    if (i % (CircuitBreaker::failures_to_open - 1) == 0) breaker.heard(start);
    REQUIRE_FALSE(breaker.open());
  }
}

TEST_CASE("time-outs of fetches since whose begin the source was heard are no silence") {
  CircuitBreaker breaker;
  breaker.heard(start + 9s);
  for (int i = 0; i < 1'000; ++i) breaker.timed_out(start, start + 10s);
  CHECK_FALSE(breaker.open());
  for (int i = 0; i < CircuitBreaker::failures_to_open; ++i)
    breaker.timed_out(start + 9s, start + 19s);
  CHECK(breaker.open());
}

TEST_CASE("an open breaker lets one probe through a second, and closes with an answer (S9)") {
  CircuitBreaker breaker = opened();
  CHECK(breaker.next_probe() == start + 1s);
  CHECK(breaker.allows(start + 1s));
  breaker.begun(start + 1s);
  CHECK_FALSE(breaker.allows(start + 1s));
  breaker.not_connected(start + 1s);
  CHECK_FALSE(breaker.allows(start + 1500ms));
  CHECK(breaker.allows(start + 2s));
  breaker.heard(start + 2s);
  CHECK_FALSE(breaker.open());
}

TEST_CASE("three of four probes are ids that were never tried") {
  CircuitBreaker breaker = opened();
  int retries = 0;
  for (int probe = 1; probe <= 400; ++probe) {
    if (breaker.turn_of_retries()) ++retries;
    breaker.begun(start + probe * 1s);
  }
  CHECK(retries == 100);
}
