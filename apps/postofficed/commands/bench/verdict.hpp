// What the figures mean, in words.
#pragma once

#include <string>
#include <vector>

#include "commands/bench/figures.hpp"

namespace postofficed::bench {

enum class Limit {
  disk,        ///< senders wait for its flushes
  thread,      ///< one thread of the daemon has a processor to itself
  processors,  ///< all of them are busy
  others,      ///< the same, and mostly with other programs
  client,      ///< this program cannot send faster
};

/// What kept a phase from being faster.
Limit find_limit(const Phase& phase, std::size_t processors);

/// "disk", …: for programs.
const char* name_of(Limit limit);

struct Verdict {
  std::vector<std::string> promises;  ///< sentences
  std::vector<std::string> warnings;  ///< why they may not hold
};

Verdict judge(const Figures& figures);

}  // namespace postofficed::bench
