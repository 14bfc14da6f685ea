// What a fetch led to, on its way into the store.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/ledger.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

struct Outcome {
  enum class Kind : std::uint8_t { answer, not_found, dead };
  struct GivenUp {
    Timestamp received_at{};  // the receipt that was given up
    Timestamp failed_at{};
    int attempts = 0;
    std::string reason;
  };

  EntryIndex index = no_entry;
  Kind kind = Kind::answer;
  bool online = false;                // answer
  Timestamp fetched_at{};             // answer
  Timestamp received_at{};            // the oldest receipt that this is the end of
  Timestamp since{};                  // when it came, or the oldest one did that it replaces
  std::unique_ptr<GivenUp> given_up;  // dead; rare, so it is kept out of the way
  std::uint64_t order = 0;            // later outcomes have greater ones (StoreStage)
};

}  // namespace postoffice::core
