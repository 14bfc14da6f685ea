#include "core/breaker.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::core;

namespace {

const Timestamp start{std::chrono::hours(1)};

Breaker opened() {
  Breaker breaker;
  for (int i = 0; i < Breaker::failures_to_open; ++i) breaker.failed(start);
  return breaker;
}

}  // namespace

TEST_CASE("the breaker opens after a run of failures, and not one earlier") {
  Breaker breaker;
  for (int i = 1; i < Breaker::failures_to_open; ++i) breaker.failed(start);
  CHECK_FALSE(breaker.open());
  CHECK(breaker.allows(start));
  breaker.failed(start);
  CHECK(breaker.open());
  CHECK_FALSE(breaker.allows(start));
}

TEST_CASE("one answer among failures keeps the breaker closed") {
  Breaker breaker;
  for (int i = 0; i < 10 * Breaker::failures_to_open; ++i) {
    breaker.failed(start);
    if (i % (Breaker::failures_to_open - 1) == 0) breaker.answered();
    REQUIRE_FALSE(breaker.open());
  }
}

TEST_CASE("an open breaker lets one probe through a second, and closes with an answer (S9)") {
  Breaker breaker = opened();
  const auto second = std::chrono::seconds(1);
  CHECK(breaker.next_probe() == start + second);
  CHECK(breaker.allows(start + second));
  breaker.begun(start + second);
  CHECK_FALSE(breaker.allows(start + second));
  breaker.failed(start + second);
  CHECK_FALSE(breaker.allows(start + second + second / 2));
  CHECK(breaker.allows(start + 2 * second));
  breaker.answered();
  CHECK_FALSE(breaker.open());
}
