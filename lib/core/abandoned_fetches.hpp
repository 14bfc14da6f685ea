// Fetches that have timed out, and that the source may still be busy with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// A server works through its queue, whether or not anybody still waits for the answers. So a fetch
/// that timed out keeps its place until its turn must have come: a fetch that began later has been
/// answered, or, by the rate of answers, the source must be through with it; after another timeout
/// at the latest.
///
/// A fetch that others have overtaken when it times out does not count: its failure is about its
/// id.
class AbandonedFetches {
 public:
  explicit AbandonedFetches(Duration timeout) : timeout_(timeout) {}

  /// For those that are added from now on.
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  /// A fetch that began then has been answered.
  void answered(Timestamp began) {
    passed_ = std::max(passed_, began);
    while (!fetches_.empty() && fetches_.front().began <= passed_) fetches_.pop_front();
  }

  /// Whether a fetch that began later has been answered.
  bool overtaken(Timestamp began) const { return began < passed_; }

  /// A fetch has timed out that was not overtaken. `rate`: answers a second.
  void add(Timestamp began, double rate, Timestamp now) {
    const Timestamp from = fetches_.empty() ? now : std::max(now, fetches_.back().until);
    const Duration turn =
        rate * seconds(timeout_) > 1 ? Duration(static_cast<Duration::rep>(1e6 / rate)) : timeout_;
    fetches_.push_back({began, std::min(from + turn, now + timeout_)});
  }

  /// How many fetches the source is still busy with.
  std::size_t count(Timestamp now) {
    while (!fetches_.empty() && fetches_.front().until <= now) fetches_.pop_front();
    return fetches_.size();
  }

  /// When one of them ends; max if there is none.
  Timestamp next() const { return fetches_.empty() ? Timestamp::max() : fetches_.front().until; }

 private:
  struct Fetch {
    Timestamp began, until;
  };

  static double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

  Duration timeout_;
  Timestamp passed_{};  // the latest begin of a fetch that was answered
  std::deque<Fetch> fetches_;
};

}  // namespace postoffice::core
