#include "core/waiting_ages.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/checked_count.hpp"

namespace postoffice::core {

void WaitingAges::add(Timestamp since) {
  ++size_;
  const Quarter quarter = quarter_of(since);
  Slot& slot = slot_of(quarter);
  if (slot.quarter != quarter) make_room(slot, quarter);
  if (slot.quarter != quarter) {
    ++rest_[quarter];
    return;
  }
  ++slot.count;
  first_ = in_slots_ == 0 ? quarter : std::min(first_, quarter);
  last_ = in_slots_ == 0 ? quarter : std::max(last_, quarter);
  ++in_slots_;
}

// The newer of the two gets the slot: there will be more of it.
void WaitingAges::make_room(Slot& slot, Quarter quarter) {
  if (slot.count > 0 && slot.quarter > quarter) return;
  if (slot.count > 0) {
    rest_[slot.quarter] += slot.count;
    count_down(in_slots_, slot.count);
  }
  slot = {quarter, 0};
}

void WaitingAges::remove(Timestamp since) {
  count_down(size_);
  const Quarter quarter = quarter_of(since);
  Slot& slot = slot_of(quarter);
  if (slot.quarter == quarter && slot.count > 0) {
    --slot.count;
    count_down(in_slots_);
    return;
  }
  const auto place = rest_.find(quarter);
  assert(place != rest_.end());
  if (--place->second == 0) rest_.erase(place);
}

WaitingAges::Quarter WaitingAges::first_in_slots() {
  if (last_ - first_ >= static_cast<Quarter>(slots_max)) {  // the clock jumped, or little comes
    first_ = last_;
    for (const Slot& slot : slots_) {
      if (slot.count > 0) first_ = std::min(first_, slot.quarter);
    }
  }
  while (slot_of(first_).quarter != first_ || slot_of(first_).count == 0) ++first_;
  return first_;
}

Timestamp WaitingAges::oldest() {
  auto quarter = std::numeric_limits<Quarter>::max();
  if (in_slots_ > 0) quarter = first_in_slots();
  if (!rest_.empty()) quarter = std::min(quarter, rest_.begin()->first);
  if (quarter == std::numeric_limits<Quarter>::max()) return Timestamp::max();
  return Timestamp(Duration((quarter + 1) << quarter_bits));
}

}  // namespace postoffice::core
