// How many answers a second the source gave lately.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Counts in steps of time. The rate is the better one of a short and a longer look back: a source
/// that has become quick counts at once, one that paused for a moment is not thought to be slow.
class AnswerRate {
 public:
  /// `longer`: how far to look back.
  explicit AnswerRate(Duration longer) : step_(std::max<Duration>(longer / steps, Duration(1))) {}

  void add(Timestamp now) {
    move_to(now);
    ++counts_[place(now_)];
  }

  double a_second(Timestamp now) {
    move_to(now);
    const auto begun = std::chrono::duration<double>(now.time_since_epoch() % step_).count();
    const auto step = std::chrono::duration<double>(step_).count();
    double sum = 0;
    double best = 0;
    for (std::int64_t back = 0; back <= steps; ++back) {
      sum += static_cast<double>(counts_[place(now_ - back)]);
      if (back == steps / 2 || back == steps) {
        best = std::max(best, sum / (static_cast<double>(back) * step + begun));
      }
    }
    return best;
  }

 private:
  static constexpr std::int64_t steps = 8;

  static std::size_t place(std::int64_t step) {
    return static_cast<std::size_t>(step % (steps + 1) + (step < 0 ? steps + 1 : 0)) % (steps + 1);
  }

  void move_to(Timestamp now) {
    const std::int64_t step = now.time_since_epoch() / step_;
    if (step - now_ > steps) now_ = step - steps - 1;
    while (now_ < step) counts_[place(++now_)] = 0;
  }

  Duration step_;
  std::int64_t now_ = 0;
  std::array<std::uint32_t, steps + 1> counts_{};
};

}  // namespace postoffice::core
