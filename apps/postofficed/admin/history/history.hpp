// What the live page's curves show: ten minutes by the second, a day by the minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "admin/history/sample_ring.hpp"

namespace postofficed {

/// Fixed memory (below 2 MiB), nothing on disk: a page that is opened at night shows the hours
/// before at once, and Prometheus remains the place for weeks.
///
/// Threads: one; the caller's.
class History {
 public:
  static constexpr std::size_t seconds_kept = 600;
  static constexpr std::size_t minutes_kept = 1'440;

  explicit History(std::vector<Fold> folds) : folds_(std::move(folds)) {}

  /// The sample of a second. A whole minute is added to the minutes when the next one begins.
  void add(const Sample& sample);

  const SampleRing& seconds() const { return seconds_; }
  const SampleRing& minutes() const { return minutes_; }

 private:
  const std::vector<Fold> folds_;
  SampleRing seconds_{seconds_kept};
  SampleRing minutes_{minutes_kept};
  std::optional<Sample> minute_;  // the one under way
};

}  // namespace postofficed
