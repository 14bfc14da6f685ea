// Counts durations in buckets, for a Histogram.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "postoffice/histogram.hpp"

namespace postoffice {

/// The upper ends of the buckets, rising. Constants of the program: a recorder refers to them.
using DurationBounds = std::span<const std::chrono::microseconds>;

/// A count that one thread writes and any thread may read. An addition costs no locked instruction.
class SharedCount {
 public:
  SharedCount& operator+=(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    return *this;
  }
  operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Takes no memory beside itself. With SharedCount, one thread may add while others take snapshots;
/// then a snapshot's sum may be some durations ahead of its counts, or behind.
template <typename Count = std::uint64_t>
class DurationRecorder {
 public:
  static constexpr std::size_t bounds_max = 20;

  explicit DurationRecorder(DurationBounds bounds) : bounds_(bounds) {
    assert(bounds.size() <= bounds_max && std::is_sorted(bounds.begin(), bounds.end()));
  }

  /// What a clock that was set back makes negative counts as 0.
  void add(std::chrono::nanoseconds duration, std::uint64_t times = 1) {
    duration = std::max(duration, std::chrono::nanoseconds(0));
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), duration);
    counts_[static_cast<std::size_t>(bucket - bounds_.begin())] += times;
    nanoseconds_ += times * static_cast<std::uint64_t>(duration.count());
  }

  Histogram snapshot() const {
    Histogram result;
    for (const auto bound : bounds_) {
      result.bounds.push_back(static_cast<double>(bound.count()) / 1e6);
    }
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      result.counts.push_back(counts_[i]);
      result.count += result.counts.back();
    }
    result.sum = static_cast<double>(std::uint64_t{nanoseconds_}) / 1e9;
    return result;
  }

 private:
  DurationBounds bounds_;
  std::array<Count, bounds_max + 1> counts_{};
  Count nanoseconds_{};
};

}  // namespace postoffice
