// What skip_test.py runs: cases that are tried, skipped, or fail.
#include <doctest/doctest.h>

#include "support/skip.hpp"

using namespace postoffice::testing;

TEST_CASE("a tried") { CHECK(true); }
TEST_CASE("b failed") { CHECK(false); }
TEST_CASE("c skipped") { skip("no disk"); }
TEST_CASE("d partly") {
  skip_part("no second disk");
  CHECK(true);
}
TEST_CASE("e failed and skipped") {
  CHECK(false);
  skip("no disk");
}
TEST_CASE("f rest") { skip_rest("no server"); }
TEST_CASE("g after it") { FAIL("never reached"); }
