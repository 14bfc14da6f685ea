// What a daemon tells of a duration: how often it lay between which bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "support/json_value.hpp"

namespace postofficed::top {

struct Histogram {
  std::vector<double> bounds;         ///< in seconds, rising
  std::vector<std::uint64_t> counts;  ///< one more than bounds: the last is of all beyond them

  bool empty() const { return total() == 0; }
  std::uint64_t total() const;
};

/// A duration that so many stay within.
struct Quantile {
  double seconds = 0;
  bool beyond = false;  ///< it is longer than that, and nobody knows how much
};

/// Nothing if the value is no histogram.
std::optional<Histogram> read_histogram(const JsonValue& value);

/// Together, if both have the same bounds; else the first.
Histogram sum(Histogram first, const Histogram& second);

/// What came between two looks. All of `now` if the bounds differ, or if a count has fallen: then
/// it is another process.
Histogram difference(const Histogram& now, const Histogram& before);

/// `share` from 0 to 1; nothing of an empty one. Within a bucket it is taken to be spread evenly.
std::optional<Quantile> quantile(const Histogram& histogram, double share);

}  // namespace postofficed::top
