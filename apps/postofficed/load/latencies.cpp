#include "load/latencies.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace postofficed::load {

// Up to 64 µs a bucket for each; from there on each power of two has 64 of them.
std::size_t Latencies::bucket_of(std::uint64_t microseconds) {
  if (microseconds < steps) return microseconds;
  const auto power = static_cast<std::size_t>(std::bit_width(microseconds)) - 7;
  const auto step = static_cast<std::size_t>(microseconds >> power) - steps;
  return std::min((power + 1) * steps + step, steps * powers - 1);
}

double Latencies::end_of(std::size_t bucket) {
  if (bucket < steps) return static_cast<double>(bucket + 1) / 1e6;
  const auto power = bucket / steps - 1;
  return std::ldexp(static_cast<double>(steps + bucket % steps + 1), static_cast<int>(power)) / 1e6;
}

void Latencies::add(std::chrono::nanoseconds latency) {
  const auto microseconds = std::max<std::int64_t>(0, latency.count() / 1'000);
  ++counts_[bucket_of(static_cast<std::uint64_t>(microseconds))];
  ++count_;
}

double Latencies::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t passed = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    passed += counts_[bucket];
    if (passed >= wanted) return end_of(bucket);
  }
  return end_of(counts_.size() - 1);
}

}  // namespace postofficed::load
