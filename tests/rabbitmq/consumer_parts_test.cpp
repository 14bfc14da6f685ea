// What a consumer decides by, without a broker, a thread or a clock.
#include <doctest/doctest.h>

#include "rabbitmq/consumer_report.hpp"
#include "rabbitmq/consumption_watch.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime start(1h);

struct Watch : ConsumptionWatch {
  Watch() {
    begin(start);
    delivered(start);
  }
  /// The next one, when it is time for it.
  Inquiry next(bool may_be_silent = true) {
    const auto inquiry = check(next_question(), may_be_silent);
    if (inquiry.ask) asked();
    return inquiry;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Watch, "a queue that knows of no consumer twice in a row has forgotten it (S9)") {
  CHECK(next_question() == start + 2s);
  CHECK(next().ask);
  CHECK(answered(0).give_up == nullptr);
  CHECK(next().ask);
  CHECK(answered(1).give_up == nullptr);
  next();
  CHECK(answered(0).give_up == nullptr);
  next();
  CHECK(answered(0).give_up == std::string("the queue has forgotten its consumer"));
}

TEST_CASE_FIXTURE(Watch, "a queue is asked again once it has answered, and given up after four") {
  CHECK(next().ask);
  for (int round = 0; round < 2; ++round) {
    const auto inquiry = next();
    CHECK_FALSE(inquiry.ask);
    CHECK(inquiry.give_up == nullptr);
  }
  CHECK(next().give_up == std::string("the queue does not answer"));
  begin(start + 1h);
  CHECK(next().ask);
}

TEST_CASE_FIXTURE(Watch, "silence is suspicious only where something should come (S9)") {
  CHECK(next(false).give_up == nullptr);
  answered(1);
  CHECK(next(false).give_up == nullptr);  // four seconds, not more
  answered(1);
  SUBCASE("it should") {
    CHECK(next(false).give_up == std::string("the queue delivers nothing any more"));
  }
  SUBCASE("it need not") { CHECK(next(true).give_up == nullptr); }
  SUBCASE("it has") {
    delivered(start + 3s);
    CHECK(next(false).give_up == nullptr);
  }
}

TEST_CASE_FIXTURE(Watch, "the last question is told from those before it by its place") {
  next();
  CHECK_FALSE(has_asked_last());
  asked_last();
  CHECK(has_asked_last());
  CHECK_FALSE(answered(1).was_last);
  CHECK(answered(1).was_last);
  begin(start);
  CHECK_FALSE(has_asked_last());
}

TEST_CASE("missing messages are told of once in ten minutes, for as long as more are missed") {
  ConsumerReport report;
  CHECK(report.missing(0, start) == 0);
  CHECK_FALSE(report.status(start).missing_for);
  CHECK(report.missing(3, start) == 3);
  CHECK(report.missing(5, start + 9min) == 0);
  CHECK(report.status(start + 18min).missing_for == 18min);
  CHECK(report.status(start + 18min).missing == 5);
  CHECK_FALSE(report.status(start + 19min).missing_for);
  CHECK(report.missing(6, start + 19min) == 1);
  CHECK(report.status(start + 20min).missing_for == 1min);
}

TEST_CASE("what was rejected last is told for ten minutes") {
  ConsumerReport report;
  report.rejected("a message", start);
  CHECK(report.status(start + 9min).rejected_last == "a message");
  CHECK(report.status(start + 10min).rejected_last.empty());
  CHECK(report.status(start + 10min).rejected == 1);
}
