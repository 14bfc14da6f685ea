// Whether a store can be used, also while it is idle.
#pragma once

#include <chrono>
#include <string>

namespace postoffice {

struct StoreStatus {
  bool up = true;        ///< it answers, or has not failed yet
  bool reached = false;  ///< it has answered since the start
  std::string server{};  ///< "host:port" of the newest attempt, if the store has hosts
  std::string reason{};  ///< why it is not up, or refuses requests; mostly in its own words
  std::chrono::milliseconds down_for{0};  ///< since the last answer, or the start
};

}  // namespace postoffice
