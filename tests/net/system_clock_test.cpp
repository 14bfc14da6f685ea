#include "postoffice/defaults/system_clock.hpp"

#include <doctest/doctest.h>

#include <future>
#include <vector>

using namespace postoffice;
using namespace std::chrono_literals;

TEST_CASE("the clock begins with the wall clock and never goes back") {
  EventLoop loop;
  SystemClock clock(loop);
  const auto wall = std::chrono::system_clock::now();
  CHECK(clock.now() - wall < 1s);
  CHECK(wall - clock.now() < 1s);
  CHECK(clock.drift() < 1s);
  for (Timestamp last = clock.now(); last < wall + 5ms;) {
    const Timestamp next = clock.now();
    REQUIRE(next >= last);
    last = next;
  }
}

TEST_CASE("time goes on from a floor, and does not stand still there (S2)") {
  EventLoop loop;
  SystemClock clock(loop);
  const Timestamp floor = clock.now() + 1h;
  clock.not_before(floor);
  const Timestamp first = clock.now();
  CHECK(first >= floor);
  clock.not_before(floor - 30min);
  while (clock.now() == first) continue;
  CHECK(clock.now() > first);
  CHECK(clock.drift() < -59min);
}

TEST_CASE("tasks run in the order of their times, and of their giving where those are equal") {
  EventLoop loop;
  SystemClock clock(loop);
  std::vector<int> order;
  std::promise<void> last;
  const Timestamp now = clock.now();
  clock.call_at(now + 30ms, [&] {
    order.push_back(4);
    last.set_value();
  });
  clock.call_at(now + 10ms, [&] { order.push_back(3); });
  clock.call_at(Timestamp::min(), [&] { order.push_back(1); });
  clock.call_at(Timestamp::min(), [&] { order.push_back(2); });
  CHECK(order.empty());
  loop.start();
  last.get_future().wait();
  CHECK(order == std::vector{1, 2, 3, 4});
  CHECK(clock.now() >= now + 30ms);
}

TEST_CASE("a task may give another, and a clock that is gone calls nobody") {
  EventLoop loop;
  loop.start();
  std::promise<void> second;
  bool third = false;
  {
    SystemClock clock(loop);
    clock.call_at(Timestamp::min(),
                  [&] { clock.call_at(Timestamp::min(), [&] { second.set_value(); }); });
    second.get_future().wait();
    clock.call_at(clock.now() + 1h, [&] { third = true; });
  }
  loop.stop();
  CHECK_FALSE(third);
}

TEST_CASE("the least time of all is no floor") {
  EventLoop loop;
  SystemClock clock(loop);
  const auto before = clock.now();
  clock.not_before(Timestamp::min());
  CHECK(clock.now() >= before);
  CHECK(clock.now() < before + std::chrono::seconds(10));
}
