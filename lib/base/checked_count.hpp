// Counts that must not wrap around.
#pragma once

#include <cassert>
#include <concepts>
#include <limits>

namespace postoffice {

/// What is counted up or down wrongly is a bug at that place, not where a wrapped number shows.
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
