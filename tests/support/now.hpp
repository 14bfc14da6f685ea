// The wall clock, as the outside sees it.
#pragma once

#include <chrono>
#include <cstdint>

namespace postoffice::testing {

/// Microseconds since the epoch.
inline std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace postoffice::testing
