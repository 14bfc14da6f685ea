// What a fetch led to, on its way into the store.
#pragma once

#include <cstdint>
#include <string>

#include "core/ledger.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

struct Outcome {
  enum class Kind { answer, not_found, dead };

  EntryIndex index = no_entry;
  Kind kind = Kind::answer;
  bool online = false;      // answer
  Timestamp fetched_at{};   // answer
  Timestamp received_at{};  // dead: the receipt that was given up
  Timestamp failed_at{};    // dead
  int attempts = 0;         // dead
  std::string reason;       // dead
  std::uint64_t order = 0;  // later outcomes have greater ones (StoreStage)
};

}  // namespace postoffice::core
