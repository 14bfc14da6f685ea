// How long this disk takes to make something durable.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace postofficed {

class FlushTimes {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit FlushTimes(std::vector<Duration> times);  ///< at least one

  std::size_t count() const { return sorted_.size(); }
  Duration least() const { return sorted_.front(); }
  Duration most() const { return sorted_.back(); }
  Duration median() const { return at(50); }
  Duration p99() const { return at(99); }

 private:
  Duration at(std::size_t percent) const { return sorted_[sorted_.size() * percent / 100]; }

  std::vector<Duration> sorted_;
};

/// No storage that keeps anything is faster than that.
constexpr std::chrono::microseconds plausible_flush{20};

/// As the queue flushes: one block after another of a file that is there in full, each synced. The
/// file is made at `path`, and removed.
Result<FlushTimes> measure_flushes(const std::string& path, std::chrono::milliseconds time_max);

}  // namespace postofficed
