// How long to let answers collect before reading them, so that one wake-up serves more of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace postoffice::http {

/// Waking up costs more than reading an answer. While answers come fast, a short pause after each
/// batch makes the next one larger. The pause is small compared with an answer's latency, and zero
/// if answers come one by one.
class PollCoalescer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::steady_clock::duration;

  static constexpr Span longest = std::chrono::milliseconds(1);
  static constexpr Span shortest = std::chrono::microseconds(100);
  static constexpr int part_of_latency = 256;
  static constexpr int answers_worth_it = 2;
  static constexpr Span look_every = std::chrono::milliseconds(10);

  void answered(Span latency) {
    ++answers_;
    latency_ += (latency - latency_) / 16;
  }

  /// The pause to take after a batch that ends now; zero for none.
  Span after_batch(Time now) {
    if (now - since_ >= look_every) {
      const Span span = std::min(longest, latency_ / part_of_latency);
      const bool worth_it = answers_ * span >= answers_worth_it * (now - since_);
      rest_ = span >= shortest && worth_it ? span : Span::zero();
      since_ = now;
      answers_ = 0;
    }
    return rest_;
  }

 private:
  Span latency_{};
  Span rest_{};
  Time since_{};
  std::int64_t answers_ = 0;
};

}  // namespace postoffice::http
