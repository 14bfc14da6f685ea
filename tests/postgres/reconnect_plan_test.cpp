#include "postgres/reconnect_plan.hpp"

#include <doctest/doctest.h>

#include "postoffice/error.hpp"

using postoffice::postgres::Failure;
using postoffice::postgres::ReconnectPlan;
using std::chrono::milliseconds;

namespace {

const Failure gone{postoffice::Error::unavailable, "gone"};

// Of an attempt that failed.
milliseconds failed(ReconnectPlan& plan) { return plan.ended(plan.at_once(false), gone); }

// A pause of `full`, spread over its second half.
bool is_about(milliseconds pause, milliseconds full) { return pause >= full / 2 && pause <= full; }

}  // namespace

TEST_CASE("after a session that worked the next attempt comes at once, and nobody is refused") {
  ReconnectPlan plan(milliseconds(1'000), 1);
  plan.worked();
  CHECK(plan.at_once(true));
  CHECK(plan.ended(true, gone) == milliseconds(0));
  CHECK_FALSE(plan.failure());
  CHECK_FALSE(plan.at_once(true));  // a server that ends each session is not asked without a pause
}

TEST_CASE("pauses double up to their limit until something works") {
  ReconnectPlan plan(milliseconds(1'000), 1);
  for (const int full : {100, 200, 400, 800, 1'000, 1'000}) {
    CHECK(is_about(failed(plan), milliseconds(full)));
    CHECK(plan.failure());
  }
  plan.opened();
  CHECK_FALSE(plan.failure());
  CHECK_FALSE(plan.at_once(true));
  plan.worked();
  CHECK(plan.at_once(true));
  CHECK(is_about(failed(plan), milliseconds(100)));
}
