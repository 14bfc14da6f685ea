#include "http/client/retry_after.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using postoffice::http::parse_retry_after;

namespace {
// 1994-11-06 08:49:37 UTC, the date that RFC 9110 uses in its examples.
const std::chrono::system_clock::time_point then{784111777s};
}  // namespace

TEST_CASE("Retry-After in seconds is read, and bounded by a day") {
  CHECK(parse_retry_after("0", then) == 0ms);
  CHECK(parse_retry_after("120", then) == 120s);
  CHECK(parse_retry_after("86401", then) == 24h);
  CHECK(parse_retry_after("99999999999999999999", then) == 24h);
}

TEST_CASE("Retry-After as a date is read against the clock") {
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", then) == 10s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", then - 1us) == 1ms);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", then) == 0ms);
  CHECK(parse_retry_after("Tue, 06 Nov 2040 08:49:37 GMT", then) == 24h);
}

TEST_CASE("a malformed Retry-After asks for no pause") {
  for (const char* value : {"", "-1", "+5", "1.5", "soon", "Sun, 06 Foo 1994 08:49:47 GMT",
                            "Sun, 31 Feb 1994 08:49:47 GMT", "Sun, 06 Nov 1994 08:49:47 CET",
                            "Sun, 06 Nov 1994 08-49-47 GMT"}) {
    CAPTURE(value);
    CHECK(parse_retry_after(value, then) == 0ms);
  }
}
