// The number of trials of a fault, their seed, and a test's report.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "support/skip.hpp"

namespace postoffice::testing {

/// `usual` times, unless the environment asks for more (or fewer).
inline int trials(int usual) {
  const char* wanted = std::getenv("POSTOFFICE_TRIALS");
  return wanted ? std::max(1, std::atoi(wanted)) : usual;
}

/// Random numbers of this run; the seed is printed, and taken from POSTOFFICE_TEST_SEED if set.
inline std::mt19937 random_numbers(const std::string& what) {
  const char* wanted = std::getenv("POSTOFFICE_TEST_SEED");
  const auto seed = wanted ? static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10))
                           : std::random_device{}();
  std::printf("%s: seed %u\n", what.c_str(), seed);
  return std::mt19937(seed);
}

/// One line about a group of trials.
inline void report(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// Whether a case can do what only root may; it is skipped if not.
inline bool root(const std::string& what) {
  if (geteuid() == 0) return true;
  skip(what + " needs root");
  return false;
}

}  // namespace postoffice::testing
