// How the descriptors of the daemon are shared.
#include "daemon/file_limit.hpp"

#include <doctest/doctest.h>

using namespace postofficed;

TEST_CASE("with enough descriptors everybody gets what was asked for, and fetches the rest") {
  const auto shares = share_files(20'000, 1'024, 1);
  CHECK(shares.fetches == 20'000 - 46 - 11'000);
  CHECK(shares.callbacks == 10'000);
  CHECK(shares.admin == 1'000);
}

TEST_CASE("with few descriptors nobody takes those of the queue and the store, nor all others") {
  for (const std::size_t limit : {0u, 50u, 64u, 256u, 1'024u, 4'096u, 12'000u}) {
    for (const std::size_t concurrency : {1u, 8u, 1'024u, 100'000u}) {
      const auto shares = share_files(limit, concurrency, 1);
      CAPTURE(limit);
      CAPTURE(concurrency);
      CHECK(shares.fetches > 0);
      CHECK(shares.admin > 0);
      CHECK(shares.callbacks > 0);
      if (limit >= 64) CHECK(shares.fetches + shares.admin + shares.callbacks <= limit - 40);
    }
  }
}
