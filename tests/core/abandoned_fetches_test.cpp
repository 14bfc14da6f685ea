#include "core/abandoned_fetches.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

const Timestamp start{std::chrono::hours(1)};

}  // namespace

TEST_CASE("a fetch that timed out keeps its place until a later one is answered") {
  AbandonedFetches fetches{10s};
  for (int i = 0; i < 5; ++i) fetches.add(start + 1s * i, 0, start + 10s + 1s * i);
  CHECK(fetches.count(start + 15s) == 5);
  fetches.answered(start + 2500ms);
  CHECK(fetches.count(start + 15s) == 2);
  CHECK(fetches.overtaken(start + 2s));
  CHECK_FALSE(fetches.overtaken(start + 3s));
}

TEST_CASE("… or the source must be through with it, by the rate of its answers") {
  AbandonedFetches fetches{10s};
  for (int i = 0; i < 50; ++i) fetches.add(start, 10, start + 10s);
  CHECK(fetches.next() == start + 10s + 100ms);
  CHECK(fetches.count(start + 10s) == 50);
  CHECK(fetches.count(start + 12s) == 30);
  CHECK(fetches.count(start + 15s) == 0);
  CHECK(fetches.next() == Timestamp::max());
}

TEST_CASE("… or another timeout has passed") {
  AbandonedFetches fetches{10s};
  for (int i = 0; i < 500; ++i) fetches.add(start, i < 250 ? 1 : 0, start + 10s);
  CHECK(fetches.count(start + 19s) > 400);
  CHECK(fetches.count(start + 20s) == 0);
}
