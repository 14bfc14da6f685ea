// Queues that exist with other arguments: which are taken as they are.
#include "rabbitmq/arguments.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace postoffice::rabbitmq;

namespace {

std::string words(const std::string& name, const std::string& present) {
  return "406 PRECONDITION_FAILED - inequivalent arg '" + name +
         "' for queue 'postoffice.0' in vhost '/': " + "received none but current is " + present;
}

}  // namespace

TEST_CASE("what the broker names as different is taken over as it is there") {
  auto wanted = arguments_of("postoffice.dead");
  const auto limit = difference_in(words("x-delivery-limit", "the value '50' of type 'long'"));
  REQUIRE(limit);
  REQUIRE(adopt(*limit, wanted));
  CHECK(wanted.back() == Argument{"x-delivery-limit", std::int64_t{50}});
  CHECK(note_of(*limit) == "is taken as it is, with x-delivery-limit 50");
  const auto overflow = difference_in(words("x-overflow", "none"));
  REQUIRE(overflow);
  REQUIRE(adopt(*overflow, wanted));
  CHECK(std::none_of(wanted.begin(), wanted.end(),
                     [](const Argument& one) { return one.name == "x-overflow"; }));
  CHECK(note_of(*overflow).find("drops confirmed callbacks") != std::string::npos);
}

TEST_CASE("an argument that an older broker does not know is left out") {
  auto wanted = arguments_of("");
  const auto unknown = difference_in(
      "406 PRECONDITION_FAILED - invalid arg 'x-queue-leader-locator' for queue 'q': bad");
  REQUIRE(unknown);
  REQUIRE(adopt(*unknown, wanted));
  CHECK(wanted == Arguments{{"x-queue-type", std::string("quorum")}});
}

TEST_CASE("another type, several consumers, or dead letters elsewhere cannot be worked with") {
  auto wanted = arguments_of("postoffice.dead");
  for (const std::string name :
       {"x-queue-type", "x-single-active-consumer", "x-dead-letter-exchange"}) {
    const auto difference = difference_in(words(name, "the value 'other' of type 'longstr'"));
    REQUIRE(difference);
    CHECK_FALSE(adopt(*difference, wanted));
  }
  CHECK_FALSE(difference_in(words("durable", "'false'")));
  CHECK_FALSE(difference_in("406 PRECONDITION_FAILED - something else"));
}
