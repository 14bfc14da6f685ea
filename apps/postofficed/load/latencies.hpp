// Many durations in little memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace postofficed::load {

/// Exact to a 64th, from a microsecond to an hour; whatever is longer counts as that.
class Latencies {
 public:
  void add(std::chrono::nanoseconds latency);

  std::uint64_t count() const { return count_; }
  /// In seconds; `share` from 0 to 1 of them stay within it. 0 if there are none.
  double quantile(double share) const;
  double most() const { return quantile(1); }

 private:
  static constexpr std::size_t steps = 64;  ///< for each power of two
  static constexpr std::size_t powers = 27;

  static std::size_t bucket_of(std::uint64_t microseconds);
  static double end_of(std::size_t bucket);

  std::array<std::uint64_t, steps * powers> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace postofficed::load
