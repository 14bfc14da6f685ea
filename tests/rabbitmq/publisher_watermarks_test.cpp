#include "rabbitmq/publisher_watermarks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "postoffice/testing/manual_clock.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;

namespace {

Timestamp at(int time) { return Timestamp(Duration(time)); }

MessageHeader message(MessageType type, std::uint64_t publisher, int time,
                      std::uint64_t session = 1) {
  return {type, publisher, session, 0, at(time)};
}

using Ids = std::vector<std::uint64_t>;

struct Clocked {
  testing::ManualClock clock;
};

struct Watermarks : Clocked, PublisherWatermarks {
  Watermarks() : PublisherWatermarks(clock) {}
};

}  // namespace

TEST_CASE_FIXTURE(Watermarks, "the frontier is the least of what the publishers said (S6)") {
  CHECK(frontier() == Timestamp::min());
  hear(message(MessageType::tick, 2, 10));
  CHECK(frontier() == at(10));
  hear(message(MessageType::tick, 1, 7));
  CHECK(frontier() == at(7));  // back: its clock is behind
  CHECK(heard_before(Timestamp::max()) == Ids{1, 2});
  hear(message(MessageType::callback, 1, 30));
  CHECK(frontier() == at(10));
  hear(message(MessageType::tick, 2, 20));
  CHECK(frontier() == at(20));
}

TEST_CASE_FIXTURE(Watermarks, "carried messages move no mark and make nobody known") {
  hear(message(MessageType::carried, 1, 10));
  CHECK(heard_before(Timestamp::max()).empty());
  hear(message(MessageType::tick, 1, 5));
  hear(message(MessageType::carried, 1, 50));
  CHECK(frontier() == at(5));
}

TEST_CASE_FIXTURE(Watermarks,
                  "a new session may be behind; stragglers of the old one are not heard") {
  hear(message(MessageType::tick, 1, 100, 1));
  hear(message(MessageType::tick, 1, 80, 2));
  CHECK(frontier() == at(80));
  hear(message(MessageType::callback, 1, 101, 1));
  CHECK(frontier() == at(80));
  hear(message(MessageType::callback, 1, 79, 2));
  CHECK(frontier() == at(80));
}

TEST_CASE_FIXTURE(Watermarks, "goodbye takes a publisher out, and it can come back") {
  hear(message(MessageType::tick, 1, 10));
  hear(message(MessageType::tick, 2, 20));
  hear(message(MessageType::goodbye, 1, 12));
  CHECK(heard_before(Timestamp::max()) == Ids{2});
  CHECK(frontier() == at(20));
  CHECK(departed(at(11)).empty());
  CHECK(departed(at(12)) == Ids{1});
  hear(message(MessageType::tick, 1, 15, 2));
  CHECK(departed(at(99)).empty());
  CHECK(frontier() == at(15));
}

TEST_CASE_FIXTURE(Watermarks, "when all have said goodbye the frontier stays where they left it") {
  hear(message(MessageType::goodbye, 1, 12));
  CHECK(frontier() == at(12));
  CHECK(heard_before(Timestamp::max()).empty());
  forget(1);
  CHECK(departed(at(99)).empty());
  CHECK(frontier() == at(12));
}

TEST_CASE_FIXTURE(Watermarks, "a publisher that is forgotten no longer holds the frontier") {
  hear(message(MessageType::tick, 1, 10));
  hear(message(MessageType::tick, 2, 20));
  forget(1);
  CHECK(frontier() == at(20));
}

// Each history: publishers come, leave, are back, are forgotten, while a frontier is read now and
// then, and asked about later. The model notes who was counted as it was read, and since when.
TEST_CASE("nobody is taken for part of a frontier that was read before he was heard (S6)") {
  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t end) { return random() % end; };
  std::uint64_t answered = 0;
  for (int history = 0; history < 300; ++history) {
    testing::ManualClock clock;
    PublisherWatermarks watermarks(clock);
    std::map<std::uint64_t, std::uint64_t> sessions;
    std::map<std::uint64_t, Timestamp> counted;  // since when
    Timestamp as_of{};
    Ids part;  // of the frontier that was read then
    for (int step = 0; step < 200; ++step) {
      if (below(3) == 0) clock.advance(Duration(1));  // else two things at one time
      const auto publisher = 1 + below(4);
      auto& session = sessions[publisher];
      const bool fresh = below(8) == 0;
      switch (below(8)) {
        case 0: {
          as_of = clock.now();
          if (below(2) == 0) clock.advance(Duration(1));
          watermarks.hear(message(MessageType::tick, 9, step));
          counted.try_emplace(9, clock.now());
          part.clear();
          for (const auto& [one, since] : counted) part.push_back(one);
          break;
        }
        case 1:
          watermarks.hear(message(MessageType::goodbye, publisher, step, session));
          counted.erase(publisher);
          break;
        case 2:
          watermarks.forget(publisher);
          counted.erase(publisher);
          break;
        default:
          if (fresh) {
            ++session;
            counted.erase(publisher);
          }
          watermarks.hear(message(MessageType::tick, publisher, step, session));
          counted.try_emplace(publisher, clock.now());
      }
      const Ids told = watermarks.heard_before(as_of);
      answered += told.size();
      CHECK(std::includes(part.begin(), part.end(), told.begin(), told.end()));
      for (const auto& [one, since] : counted) {
        CHECK(std::binary_search(told.begin(), told.end(), one) == (since < as_of));
      }
    }
  }
  CHECK(answered > 10'000);
}
