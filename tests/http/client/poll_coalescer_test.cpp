#include "http/client/poll_coalescer.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using postoffice::http::PollCoalescer;

namespace {

/// The rest after some seconds of batches of one answer each, this far apart.
PollCoalescer::Span rest_at(PollCoalescer::Span apart, PollCoalescer::Span latency) {
  PollCoalescer coalescer;
  PollCoalescer::Time now{1h};
  PollCoalescer::Span last{};
  for (const auto end = now + 5s; now < end; now += apart) {
    coalescer.answered(latency);
    last = coalescer.after_batch(now);
  }
  return last;
}

}  // namespace

TEST_CASE("the loop pauses while answers come fast, for a small part of their latency") {
  CHECK(rest_at(250us, 1s) == PollCoalescer::longest);
  CHECK(rest_at(10us, 1s) == PollCoalescer::longest);
  const auto rest = rest_at(100us, 100ms);
  CHECK(rest > 300us);
  CHECK(rest < 400us);
}

TEST_CASE("answers that come one by one, or are fast, are read at once") {
  CHECK(rest_at(1ms, 1s) == 0us);
  CHECK(rest_at(10us, 20ms) == 0us);
  PollCoalescer coalescer;
  CHECK(coalescer.after_batch(PollCoalescer::Time{1h}) == 0us);
}

TEST_CASE("the loop stops pausing soon after the burst") {
  PollCoalescer coalescer;
  PollCoalescer::Time now{1h};
  for (int i = 0; i < 1'000; ++i, now += 100us) {
    coalescer.answered(1s);
    coalescer.after_batch(now);
  }
  REQUIRE(coalescer.after_batch(now) > 0us);
  coalescer.after_batch(now += PollCoalescer::look_every);
  coalescer.answered(1s);
  CHECK(coalescer.after_batch(now + PollCoalescer::look_every) == 0us);
}
