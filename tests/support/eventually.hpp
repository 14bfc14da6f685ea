// Waiting for what comes about by itself.
#pragma once

#include <chrono>
#include <thread>

namespace postoffice::testing {

/// Looks again and again until `condition` holds; false after `limit`.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace postoffice::testing
