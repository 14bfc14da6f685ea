#include "base/duration_recorder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/duration_bounds.hpp"

using namespace postoffice;
using namespace std::chrono_literals;

namespace {

constexpr std::array<std::chrono::microseconds, 3> bounds_used = {1ms, 10ms, 1s};

}  // namespace

TEST_CASE("a bound belongs to its bucket, what is beyond the last has one of its own") {
  DurationRecorder<> recorder(bounds_used);
  for (const auto duration : {0ns, 1'000'000ns, 1'000'001ns, 10'000'000ns, 1'000'000'000ns}) {
    recorder.add(duration);
  }
  recorder.add(1'000'000'001ns, 2);
  const Histogram histogram = recorder.snapshot();
  CHECK(histogram.bounds == std::vector<double>{0.001, 0.01, 1});
  CHECK(histogram.counts == std::vector<std::uint64_t>{2, 2, 1, 2});
  CHECK(histogram.count == 7);
  CHECK(histogram.sum == doctest::Approx(0.001 + 0.001000001 + 0.01 + 1 + 2 * 1.000000001));
}

TEST_CASE("a clock that was set back makes nothing negative") {
  DurationRecorder<> recorder(bounds_used);
  recorder.add(-5s);
  CHECK(recorder.snapshot().counts.front() == 1);
  CHECK(recorder.snapshot().sum == 0);
}

TEST_CASE("histograms of several threads are added up") {
  DurationRecorder<> one(bounds_used);
  DurationRecorder<> other(bounds_used);
  one.add(5ms);
  other.add(5ms);
  other.add(2s);
  Histogram sum;
  CHECK(sum.count == 0);
  sum += Histogram{};
  sum += one.snapshot();
  sum += Histogram{};
  sum += other.snapshot();
  CHECK(sum.bounds == std::vector<double>{0.001, 0.01, 1});
  CHECK(sum.counts == std::vector<std::uint64_t>{0, 2, 0, 1});
  CHECK(sum.count == 3);
  CHECK(sum.sum == doctest::Approx(2.01));
}

TEST_CASE("others may look while one thread counts") {
  DurationRecorder<SharedCount> recorder(bounds_used);
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) recorder.add(5ms);
  });
  for (std::uint64_t last = 0; last < 100'000;) {
    const Histogram histogram = recorder.snapshot();
    REQUIRE(histogram.count >= last);
    REQUIRE(histogram.counts[1] == histogram.count);
    last = histogram.count;
  }
  writer.join();
  CHECK(recorder.snapshot().sum == doctest::Approx(500));
}

TEST_CASE("the bounds of the program's histograms rise") {
  const auto rise = [](const auto& bounds) {
    return std::adjacent_find(bounds.begin(), bounds.end(),
                              [](auto a, auto b) { return a >= b; }) == bounds.end();
  };
  CHECK(rise(bounds::quick));
  CHECK(rise(bounds::fetch));
  CHECK(rise(bounds::transaction));
  CHECK(rise(bounds::receipt_to_row));
}
