// What a publisher makes of the answers to its questions about its queues.
#include "rabbitmq/unread_queues.hpp"

#include <doctest/doctest.h>

using namespace postoffice::rabbitmq;
using namespace std::chrono_literals;
using Time = TickPace::SteadyTime;

namespace {

/// Ticks sent from `from` to `to`.
int ticks(TickPace& pace, Time from, Time to, bool hopeful = false) {
  int count = 0;
  for (Time now = std::max(from, pace.next()); now < to; now = std::max(now, pace.next())) {
    if (pace.due(0, now)) ++count;
    pace.ticked(0, now, hopeful);
  }
  return count;
}

}  // namespace

TEST_CASE("ticks come every time somebody consumes, and slower and slower if nobody does") {
  TickPace pace(1, 250ms);
  pace.begin(Time{});
  CHECK(ticks(pace, Time{}, Time{60s}) == 240);
  pace.consumed(0, false, Time{60s});
  CHECK(ticks(pace, Time{60s}, Time{120s}) <= 8);
  CHECK(ticks(pace, Time{120s}, Time{86'520s}) <= 1'441);
  pace.consumed(0, true, Time{86'600s});
  CHECK(pace.next() == Time{86'600s});
  CHECK(ticks(pace, Time{86'600s}, Time{86'660s}) == 240);
}

TEST_CASE("while a tick is to prove something, the next is never far") {
  TickPace pace(1, 250ms);
  pace.begin(Time{});
  pace.consumed(0, false, Time{});
  ticks(pace, Time{}, Time{600s}, true);
  CHECK(pace.next() < Time{605s});
}

TEST_CASE("queues that nobody consumes do not get less; what does is lost") {
  UnreadQueues queues;
  CHECK(queues.look({false, 100, 100, 0}) == 0);
  CHECK(queues.look({false, 150, 150, 10}) == 0);
  CHECK(queues.look({false, 200, 205, 0}) == 0);   // ten were under way, and may have been in it
  CHECK(queues.look({false, 200, 215, 0}) == 0);   // ten are missing: once is not believed …
  CHECK(queues.look({false, 200, 235, 0}) == 30);  // … twice is
  CHECK(queues.look({false, 190, 240, 0}) == 15);
  CHECK(queues.look({false, 195, 245, 0}) == 0);
}

TEST_CASE("queues that somebody consumes get less, and nothing is said of that") {
  UnreadQueues queues;
  CHECK(queues.look({false, 100, 100, 0}) == 0);
  CHECK(queues.look({true, 10, 110, 0}) == 0);
  CHECK(queues.look({false, 5, 120, 0}) == 0);
  CHECK(queues.look({false, 0, 120, 0}) == 0);  // somebody may have come and gone
  CHECK(queues.look({true, 0, 130, 0}) == 0);
  CHECK(queues.look({false, 0, 140, 0}) == 0);
  CHECK(queues.look({false, 0, 150, 0}) == 0);
}
