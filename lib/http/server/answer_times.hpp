// How long callbacks wait for their answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "base/duration_bounds.hpp"
#include "base/duration_recorder.hpp"

namespace postoffice::http {

/// Costs one reading of the clock for each batch of events, at its end. Both ends of a duration are
/// those of batches: so it is too long by no more than the two batches took, and never too short.
///
/// Threads: the loop's; durations() any.
class AnswerTimes {
 public:
  using Time = std::chrono::steady_clock::time_point;

  AnswerTimes() { waiting_.reserve(256); }

  /// A callback of a batch that began then has been answered in this batch.
  void answered(Time begun) {
    if (waiting_.empty() || waiting_.back().begun != begun) waiting_.push_back({begun, 0});
    ++waiting_.back().count;
  }

  /// The answers of this batch are in the kernel.
  void batch_sent() {
    if (waiting_.empty()) return;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [begun, count] : waiting_) durations_.add(now - begun, count);
    waiting_.clear();
  }

  Histogram durations() const { return durations_.snapshot(); }

 private:
  struct SameBatch {
    Time begun;
    std::size_t count = 0;
  };

  std::vector<SameBatch> waiting_;
  DurationRecorder<SharedCount> durations_{bounds::quick};
};

}  // namespace postoffice::http
