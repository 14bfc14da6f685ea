// What has happened so far.
#pragma once

#include <cstdint>

namespace postoffice::core {

/// Each distinct id of a callback is an obligation that ends exactly once, so at any time
///   delivered = stored + merged + not_found + expired + dead + pending        (S8)
struct Counters {
  std::uint64_t delivered = 0;

  std::uint64_t stored = 0;
  std::uint64_t merged = 0;
  std::uint64_t not_found = 0;
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;
  std::uint64_t pending = 0;
  std::uint64_t ended() const { return stored + merged + not_found + expired + dead; }

  std::uint64_t fetches = 0;
  std::uint64_t fetch_failures = 0;
  std::uint64_t touches = 0;
  std::uint64_t deleted = 0;
  std::uint64_t requeued = 0;
  std::uint64_t store_failures = 0;
};

}  // namespace postoffice::core
