// Counts that must not wrap around.
#pragma once

#include <cassert>
#include <concepts>
#include <limits>

namespace postoffice {

/// A wrong count is a bug where it is counted, not where a wrapped number shows later.
template <std::unsigned_integral Count>
void count_up(Count& count) {
  assert(count < std::numeric_limits<Count>::max());
  ++count;
}

template <std::unsigned_integral Count>
void count_down(Count& count, Count by = 1) {
  assert(count >= by);
  count = static_cast<Count>(count - by);
}

}  // namespace postoffice
