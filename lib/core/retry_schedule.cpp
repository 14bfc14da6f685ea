#include "core/retry_schedule.hpp"

#include <algorithm>

namespace postoffice::core {

Duration RetrySchedule::delay(int attempts, Duration floor) {
  const auto ceiling = ceiling_.after(attempts);
  return std::max(ceiling_.spread(std::min(delay_min_, ceiling), ceiling, random_), floor);
}

EntryIndex RetrySchedule::take_due(Timestamp now) {
  if (waiting_.empty() || waiting_.top().due > now) return no_entry;
  const EntryIndex index = waiting_.top().index;
  waiting_.pop();
  return index;
}

}  // namespace postoffice::core
