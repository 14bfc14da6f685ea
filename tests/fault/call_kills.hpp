// Runs a program and kills it at a certain system call.
#pragma once

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "integration/postofficed.hpp"

namespace postoffice::testing {

/// Before or after the call, counted from 1; 0: never.
struct KillPoint {
  long call = 0;
  bool after = false;
};

struct KillReport {
  long calls = 0;    ///< how many there were
  std::string call;  ///< where it was killed; empty: it was not
};

/// The prefix of a command.
inline Arguments killed_at(const KillPoint& point, const std::string& report) {
  return {KILL_AT_CALL, std::to_string(point.call), point.after ? "after" : "before", report};
}

inline KillReport read_kill_report(const std::string& path) {
  std::istringstream text(content_of(path));
  KillReport report;
  std::string word;
  text >> word >> report.calls >> word >> word >> report.call;
  return report;
}

/// Up to `most` of `calls` calls, before and after each, spread evenly.
inline std::vector<KillPoint> spread(long calls, long most) {
  std::vector<KillPoint> points;
  const long all = 2 * calls;
  const long taken = std::min(all, most);
  for (long i = 0; i < taken; ++i) {
    const long place = i * all / taken;
    points.push_back({place / 2 + 1, place % 2 == 1});
  }
  return points;
}

/// "pwrite64 12, sendto 3"
inline std::string listed(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  }
  return text;
}

}  // namespace postoffice::testing
