// What is missing from a shard, and what only seems to be.
#include "rabbitmq/gap_watch.hpp"

#include <doctest/doctest.h>

#include "rabbitmq/lossy_shard.hpp"

using namespace postoffice::rabbitmq;
using namespace postoffice::testing;

namespace {

/// A publisher with a shard of its own, and a consumer of it.
struct Line {
  ShardNumbers numbers{1};
  GapWatch watch;
  std::uint64_t tag = 0;
  std::uint64_t session = 1;

  PlaceInLine confirmed(bool callback = true) {
    const auto place = numbers.put(0, callback);
    numbers.confirm(++tag, false);
    return place;
  }
  void hear(const PlaceInLine& place, bool callback = true, bool redelivered = false) {
    watch.hear(1, session, place, callback, redelivered);
  }
  void tick() { hear(confirmed(false), false); }
  void reconnect() {
    numbers.end_connection();
    tag = 0;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Line, "confirmed callbacks that do not come are missing, the last ones too") {
  for (int i = 0; i < 3; ++i) hear(confirmed());
  for (int i = 0; i < 4; ++i) confirmed();
  CHECK(watch.missing() == 0);
  hear(confirmed());
  CHECK(watch.missing() == 4);
  confirmed();
  confirmed();
  tick();
  tick();
  CHECK(watch.missing() == 6);
}

TEST_CASE_FIXTURE(Line, "a worker that begins in the middle misses nothing that was before") {
  for (int i = 0; i < 10; ++i) confirmed();
  SUBCASE("with a callback") { hear(confirmed()); }
  SUBCASE("with a tick") { tick(); }
  tick();
  CHECK(watch.missing() == 0);
  confirmed();
  tick();
  CHECK(watch.missing() == 1);
}

TEST_CASE_FIXTURE(Line, "what was not confirmed is not missed") {
  hear(confirmed());
  numbers.put(0, true);
  SUBCASE("refused") { numbers.refuse(++tag, false); }
  SUBCASE("came back") {
    numbers.doubt_all();
    numbers.confirm(++tag, false);
  }
  SUBCASE("the connection ended") { reconnect(); }
  hear(confirmed());
  tick();
  CHECK(watch.missing() == 0);
  confirmed();
  tick();
  CHECK(watch.missing() == 1);
}

TEST_CASE_FIXTURE(Line, "a deleted queue: what it had confirmed is known by the next connection") {
  hear(confirmed());
  tick();
  for (int i = 0; i < 5; ++i) confirmed();
  confirmed(false);
  reconnect();
  tick();
  CHECK(watch.missing() == 5);
}

TEST_CASE_FIXTURE(Line, "another start of the publisher begins anew") {
  hear(confirmed());
  tick();
  confirmed();
  numbers = ShardNumbers(1);
  tag = 0;
  session = 2;
  for (int i = 0; i < 3; ++i) confirmed();
  hear(confirmed());
  tick();
  CHECK(watch.missing() == 0);
}

TEST_CASE_FIXTURE(Line, "over a break another worker may have had it, unless something shows not") {
  hear(confirmed());
  const auto last = confirmed();
  hear(last);
  tick();
  watch.begin_channel();
  for (int i = 0; i < 5; ++i) confirmed();
  bool known = false;
  SUBCASE("nothing shows") {}
  SUBCASE("what had come comes again") {
    hear(last, true, true);
    known = true;
  }
  SUBCASE("somebody knows, before") {
    watch.nobody_between();
    known = true;
  }
  tick();
  CHECK(watch.in_doubt() == !known);
  CHECK(watch.missing() == (known ? 5 : 0));
  SUBCASE("somebody knows, later") { known = true; }
  if (known) watch.nobody_between();
  CHECK(watch.missing() == (known ? 5 : 0));
  confirmed();
  tick();
  CHECK(watch.missing() == (known ? 6 : 1));
}

TEST_CASE_FIXTURE(Line, "one that was overtaken by the next connection proves nothing") {
  for (int i = 0; i < 3; ++i) confirmed();
  const auto overtaken = numbers.put(0, true);
  reconnect();
  confirmed();  // another worker had it, and then the one that was overtaken came
  hear(overtaken);
  hear(confirmed());
  tick();
  CHECK(watch.missing() == 0);
}

TEST_CASE("no history without a loss is told as one, whatever else goes wrong") {
  for (unsigned history = 0; history < 2'000; ++history) {
    LossyShard shard(history, false);
    for (int step = 0; step < 300; ++step) shard.step();
    REQUIRE_MESSAGE(shard.missing() == 0, "history " << history);
  }
}

TEST_CASE("no history with losses is told as more than that, and most of them are") {
  std::uint64_t lost = 0, missing = 0;
  for (unsigned history = 0; history < 2'000; ++history) {
    LossyShard shard(history, true);
    for (int step = 0; step < 300; ++step) shard.step();
    REQUIRE_MESSAGE(shard.missing() <= shard.lost(), "history " << history);
    lost += shard.lost();
    missing += shard.missing();
  }
  MESSAGE("of " << lost << " lost, " << missing << " were told");
  CHECK(missing > lost / 10);
}
