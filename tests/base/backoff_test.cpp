#include "base/backoff.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <random>

using namespace std::chrono_literals;
using postoffice::Backoff;
using Millis = std::chrono::milliseconds;

TEST_CASE("a pause doubles with each failure in a row, up to its limit") {
  Backoff<Millis> backoff(100ms, 450ms);
  CHECK(backoff.peek() == 100ms);
  CHECK(backoff.next() == 100ms);
  CHECK(backoff.next() == 200ms);
  CHECK(backoff.next() == 400ms);
  CHECK(backoff.next() == 450ms);
  for (int times = 0; times < 1'000; ++times) CHECK(backoff.next() == 450ms);
  backoff.reset();
  CHECK(backoff.next() == 100ms);
}

TEST_CASE("a pause behind any number of failures") {
  constexpr Backoff<Millis> backoff(100ms, 5s);
  static_assert(backoff.after(0) == 100ms && backoff.after(3) == 800ms);
  CHECK(backoff.after(-1) == 100ms);
  CHECK(backoff.after(std::numeric_limits<int>::max()) == 5s);
  CHECK(Backoff<Millis>(3s, 2s).after(0) == 2s);
}

TEST_CASE("pauses are spread over all that is allowed") {
  std::minstd_rand random(1);
  bool least = false, most = false;
  for (int times = 0; times < 1'000; ++times) {
    const auto pause = Backoff<Millis>::spread(5ms, 8ms, random);
    REQUIRE(pause >= 5ms);
    REQUIRE(pause <= 8ms);
    least = least || pause == 5ms;
    most = most || pause == 8ms;
  }
  CHECK(least);
  CHECK(most);
  CHECK(Backoff<Millis>::spread(7ms, 7ms, random) == 7ms);
}
