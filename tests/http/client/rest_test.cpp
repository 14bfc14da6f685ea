#include "http/client/rest.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using postoffice::http::Rest;

namespace {

/// The rest after some seconds of batches of one answer each, this far apart.
Rest::Span rest_at(Rest::Span apart, Rest::Span latency) {
  Rest rest;
  Rest::Time now{1h};
  Rest::Span last{};
  for (const auto end = now + 5s; now < end; now += apart) {
    rest.answered(latency);
    last = rest.after_batch(now);
  }
  return last;
}

}  // namespace

TEST_CASE("the loop rests while answers come fast, for a small part of what they take") {
  CHECK(rest_at(250us, 1s) == Rest::longest);
  CHECK(rest_at(10us, 1s) == Rest::longest);
  const auto rest = rest_at(100us, 100ms);
  CHECK(rest > 300us);
  CHECK(rest < 400us);
}

TEST_CASE("answers that come one by one, or that are fast, are looked at at once") {
  CHECK(rest_at(1ms, 1s) == 0us);
  CHECK(rest_at(10us, 20ms) == 0us);
  Rest rest;
  CHECK(rest.after_batch(Rest::Time{1h}) == 0us);
}

TEST_CASE("the loop stops resting soon after the rush") {
  Rest rest;
  Rest::Time now{1h};
  for (int i = 0; i < 1'000; ++i, now += 100us) {
    rest.answered(1s);
    rest.after_batch(now);
  }
  REQUIRE(rest.after_batch(now) > 0us);
  rest.after_batch(now += Rest::look_every);
  rest.answered(1s);
  CHECK(rest.after_batch(now + Rest::look_every) == 0us);
}
