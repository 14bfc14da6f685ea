// The oldest receipt time among waiting callbacks, in little memory however many wait.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// The minimum of a sliding window (a monotonic queue): times come in with rising sequences and
/// leave from the front. A time that is followed by an older or equal one is not kept, since it
/// cannot be the oldest before the other has left. Beyond a limit, adjacent entries are merged into
/// the earlier time with the later sequence. The answer may then be too early, by a small share of
/// what waits, but never too late. The same holds if sequences come again, as on a broker's new
/// channel: entries of the earlier ones stay until they are popped.
class SlidingMinimum {
 public:
  void push(Sequence sequence, Timestamp time) {
    while (!times_.empty() && times_.back().time >= time) times_.pop_back();
    times_.push_back({sequence, time});
    if (times_.size() > size_max) merge_neighbours();
  }

  void pop_through(Sequence sequence) {
    while (!times_.empty() && times_.front().sequence <= sequence) times_.pop_front();
  }

  std::optional<Timestamp> oldest() const {
    return times_.empty() ? std::optional<Timestamp>{} : times_.front().time;
  }

 private:
  static constexpr std::size_t size_max = 1 << 16;

  struct Waiting {
    Sequence sequence;
    Timestamp time;
  };

  void merge_neighbours() {
    std::deque<Waiting> merged;
    for (std::size_t i = 0; i < times_.size(); i += 2) {
      const auto& last = times_[std::min(i + 1, times_.size() - 1)];
      merged.push_back({last.sequence, times_[i].time});
    }
    times_ = std::move(merged);
  }

  std::deque<Waiting> times_;
};

}  // namespace postoffice::codec
