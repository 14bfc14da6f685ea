#include "rabbitmq/publisher_watermarks.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::rabbitmq;

namespace {

Timestamp at(int time) { return Timestamp(Duration(time)); }

MessageHeader message(MessageType type, std::uint64_t publisher, int time,
                      std::uint64_t session = 1) {
  return {type, publisher, session, 0, at(time)};
}

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE_FIXTURE(PublisherWatermarks,
                  "the frontier is the least of what the publishers said (S6)") {
  CHECK(frontier() == Timestamp::min());
  hear(message(MessageType::tick, 2, 10));
  CHECK(frontier() == at(10));
  hear(message(MessageType::tick, 1, 7));
  CHECK(frontier() == at(7));  // back: its clock is behind
  CHECK(publishers() == Ids{1, 2});
  hear(message(MessageType::callback, 1, 30));
  CHECK(frontier() == at(10));
  hear(message(MessageType::tick, 2, 20));
  CHECK(frontier() == at(20));
}

TEST_CASE_FIXTURE(PublisherWatermarks, "carried messages move no mark and make nobody known") {
  hear(message(MessageType::carried, 1, 10));
  CHECK(publishers().empty());
  hear(message(MessageType::tick, 1, 5));
  hear(message(MessageType::carried, 1, 50));
  CHECK(frontier() == at(5));
}

TEST_CASE_FIXTURE(PublisherWatermarks,
                  "a new session may be behind; stragglers of the old one are not heard") {
  hear(message(MessageType::tick, 1, 100, 1));
  hear(message(MessageType::tick, 1, 80, 2));
  CHECK(frontier() == at(80));
  hear(message(MessageType::callback, 1, 101, 1));
  CHECK(frontier() == at(80));
  hear(message(MessageType::callback, 1, 79, 2));
  CHECK(frontier() == at(80));
}

TEST_CASE_FIXTURE(PublisherWatermarks, "goodbye takes a publisher out, and it can come back") {
  hear(message(MessageType::tick, 1, 10));
  hear(message(MessageType::tick, 2, 20));
  hear(message(MessageType::goodbye, 1, 12));
  CHECK(publishers() == Ids{2});
  CHECK(frontier() == at(20));
  CHECK(departed(at(11)).empty());
  CHECK(departed(at(12)) == Ids{1});
  hear(message(MessageType::tick, 1, 15, 2));
  CHECK(departed(at(99)).empty());
  CHECK(frontier() == at(15));
}

TEST_CASE_FIXTURE(PublisherWatermarks,
                  "when all have said goodbye the frontier stays where they left it") {
  hear(message(MessageType::goodbye, 1, 12));
  CHECK(frontier() == at(12));
  CHECK(publishers().empty());
  forget(1);
  CHECK(departed(at(99)).empty());
  CHECK(frontier() == at(12));
}

TEST_CASE_FIXTURE(PublisherWatermarks,
                  "a publisher that is forgotten no longer holds the frontier") {
  hear(message(MessageType::tick, 1, 10));
  hear(message(MessageType::tick, 2, 20));
  forget(1);
  CHECK(frontier() == at(20));
}
