// How many answers a second the source gave lately.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Counts in steps of time. The rate is the higher one of a short and a longer look back: so a
/// source that has become fast is noticed at once, and one that paused for a moment is not taken
/// for slow.
class AnswerRate {
 public:
  /// `longer`: how far to look back.
  explicit AnswerRate(Duration longer) : step_(std::max<Duration>(longer / steps, Duration(1))) {}

  void add(Timestamp now) {
    move_to(now);
    ++counts_[place(now_)];
    ++lately_;
    ++longer_;
  }

  double a_second(Timestamp now) {
    move_to(now);
    const auto begun = std::chrono::duration<double>(now.time_since_epoch() % step_).count();
    const auto step = std::chrono::duration<double>(step_).count();
    return std::max(static_cast<double>(lately_) / (steps / 2 * step + begun),
                    static_cast<double>(longer_) / (steps * step + begun));
  }

 private:
  static constexpr std::int64_t steps = 8;

  static std::size_t place(std::int64_t step) {
    return static_cast<std::size_t>(step % (steps + 1) + (step < 0 ? steps + 1 : 0)) % (steps + 1);
  }

  void move_to(Timestamp now) {
    const std::int64_t step = now.time_since_epoch() / step_;
    if (step <= now_) return;
    if (step - now_ > steps) now_ = step - steps - 1;
    while (now_ < step) counts_[place(++now_)] = 0;
    lately_ = longer_ = 0;
    for (std::int64_t back = 0; back <= steps; ++back) {
      const std::uint32_t count = counts_[place(now_ - back)];
      if (back <= steps / 2) lately_ += count;
      longer_ += count;
    }
  }

  Duration step_;
  std::int64_t now_ = 0;
  std::array<std::uint32_t, steps + 1> counts_{};
  std::uint64_t lately_ = 0;  // in the last half of the steps, and the one that has begun
  std::uint64_t longer_ = 0;  // in all of them
};

}  // namespace postoffice::core
