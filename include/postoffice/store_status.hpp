// Whether a store can be used, with traffic or without.
#pragma once

#include <chrono>
#include <string>

namespace postoffice {

struct StoreStatus {
  bool up = true;        ///< it answers, or nothing speaks against it yet
  bool reached = false;  ///< it has answered since the start
  std::string server{};  ///< "host:port" of the newest attempt, if there are hosts
  std::string reason{};  ///< if it is not up, or refuses what it is asked: its own words, mostly
  std::chrono::milliseconds down_for{0};  ///< since the last answer, or the start
};

}  // namespace postoffice
