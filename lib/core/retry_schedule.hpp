// When a failed id is tried again.
#pragma once

#include <cassert>
#include <chrono>
#include <cstdint>
#include <queue>
#include <random>
#include <vector>

#include "base/backoff.hpp"
#include "core/ledger.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Exponential back-off with full jitter, never below the minimum.
class RetrySchedule {
 public:
  RetrySchedule(Duration delay_min, Duration delay_max, std::uint64_t seed)
      : delay_min_(delay_min), ceiling_(delay_min, delay_max), random_(seed) {}

  /// The delay after failed attempt number `attempts` (1 is the first), at least `floor`.
  Duration delay(int attempts, Duration floor);

  void add(EntryIndex index, Timestamp due) { waiting_.push({due, index}); }

  /// Takes out one entry whose time has come; no_entry if there is none.
  EntryIndex take_due(Timestamp now);

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  Timestamp next() const {
    assert(!empty());
    return waiting_.top().due;
  }

 private:
  struct Place {
    Timestamp due;
    EntryIndex index;
    bool operator>(const Place& other) const { return due > other.due; }
  };

  Duration delay_min_;
  Backoff<Duration> ceiling_;
  std::mt19937_64 random_;
  std::priority_queue<Place, std::vector<Place>, std::greater<>> waiting_;
};

}  // namespace postoffice::core
