#include "core/retry_schedule.hpp"

#include <algorithm>

namespace postoffice::core {

Duration RetrySchedule::delay(int attempts, Duration floor) {
  // 2^20 times any sensible minimum is beyond any sensible maximum; more would overflow.
  const auto doublings = std::clamp(attempts, 0, 20);
  const auto ceiling = std::min(delay_max_, delay_min_ * (std::int64_t{1} << doublings));
  std::uniform_int_distribution<Duration::rep> jitter(std::min(delay_min_, ceiling).count(),
                                                      ceiling.count());
  return std::max(Duration(jitter(random_)), floor);
}

EntryIndex RetrySchedule::take_due(Timestamp now) {
  if (waiting_.empty() || waiting_.top().due > now) return no_entry;
  const EntryIndex index = waiting_.top().index;
  waiting_.pop();
  return index;
}

}  // namespace postoffice::core
