// The judge of topology_test.cpp, judged.
#include "early_deletes.hpp"

#include <doctest/doctest.h>

using namespace postoffice::testing;

namespace {

Sent accepted(std::int64_t sent_at, std::int64_t answered_at) {
  return {sent_at, answered_at, 202, false, {}};
}

}  // namespace

TEST_CASE("a row that nobody receives any more may go one ttl after its last receipt") {
  CHECK(must_be_there(100, {}, 150, 50));
  CHECK_FALSE(must_be_there(100, {}, 151, 50));
}

TEST_CASE("a row that is received again may go one ttl after that") {
  CHECK(must_be_there(100, {accepted(130, 135)}, 180, 50));
  CHECK_FALSE(must_be_there(100, {accepted(130, 135)}, 181, 50));
}

TEST_CASE("a row may have expired between two receipts") {
  CHECK_FALSE(must_be_there(100, {accepted(149, 151)}, 160, 50));
  CHECK(must_be_there(100, {accepted(120, 121), accepted(160, 165)}, 200, 50));
}

TEST_CASE("what was refused or never answered says nothing") {
  CHECK_FALSE(must_be_there(100, {{130, 135, 503, true, {}}}, 160, 50));
  CHECK_FALSE(must_be_there(100, {{130, 135, 0, false, {}}}, 160, 50));
}
