// How often something took how long.
#pragma once

#include <cstdint>
#include <vector>

namespace postoffice {

/// A snapshot of durations, counted in buckets. Empty while there is nobody to record them.
struct Histogram {
  /// In seconds, rising. A bucket holds what was at most its bound and more than the one before.
  std::vector<double> bounds{};
  /// Of each bucket alone. There is one more than bounds: the last one holds what was more.
  std::vector<std::uint64_t> counts{};
  double sum = 0;  ///< of all durations, in seconds
  std::uint64_t count = 0;

  /// Both must have the same bounds, unless one of them is empty.
  Histogram& operator+=(const Histogram& other);
};

}  // namespace postoffice
