// Whether connections are kept, with simulated servers: a worker for each connection, or an event
// loop. A step of the simulation is a millisecond.
#include "http/client/keep_alive_policy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <utility>
#include <vector>

using namespace postoffice;
using namespace postoffice::http;
using namespace std::chrono_literals;

namespace {

struct Server {
  std::size_t workers = 0;  // 0: an event loop
  std::function<int()> service_ms;
  int keep_alive_ms = 5'000;
};

/// A client that follows the policy as the pool does, and counts.
class World {
 public:
  World(Server server, SourceKeepAlive wanted = SourceKeepAlive::automatic)
      : server_(std::move(server)), policy_(wanted) {}

  void ask(std::size_t count) { waiting_ += count; }

  void step() {
    ++now_;
    send();
    serve();
    answer();
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto here = it++;
      if (here->idle && now_ - here->since > server_.keep_alive_ms) close(here);
    }
    if (now_ % 20 == 0) tend();
  }

  /// Until all is answered; how long that took.
  int finish(int limit_ms) {
    const int begin = now_;
    while (unanswered() != 0 && now_ - begin < limit_ms) step();
    return now_ - begin;
  }

  std::size_t unanswered() const { return waiting_ + in_flight_; }
  bool keeps() const { return policy_.keeps(); }
  int opened() const { return opened_; }
  int slowest_ms() const { return slowest_; }

 private:
  struct Connection {
    bool used = false;
    bool idle = false;
    bool has_worker = false;
    int since = 0;
    int done = 0;
  };
  using Place = std::list<Connection>::iterator;

  KeepAlivePolicy::Time time() const { return KeepAlivePolicy::Time(1h + now_ * 1ms); }
  KeepAlivePolicy::Time time(int ms) const { return KeepAlivePolicy::Time(1h + ms * 1ms); }

  void send() {
    for (auto& connection : connections_) {
      if (waiting_ != 0 && connection.idle) carry(connection);
    }
    while (waiting_ != 0 && in_flight_ < 256) {
      ++opened_;
      carry(connections_.emplace_back());
    }
  }

  void carry(Connection& connection) {
    --waiting_;
    ++in_flight_;
    connection.idle = false;
    connection.since = now_;
    if (!connection.used) policy_.sent_on_new(time());
    connection.done = connection.has_worker ? now_ + server_.service_ms() : 0;
  }

  void serve() {
    for (auto& connection : connections_) {
      if (connection.has_worker) continue;
      if (server_.workers != 0 && busy_workers_ == server_.workers) return;
      connection.has_worker = true;
      ++busy_workers_;
      connection.done = now_ + server_.service_ms();
    }
  }

  void answer() {
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto here = it++;
      if (here->idle || !here->has_worker || here->done > now_) continue;
      --in_flight_;
      slowest_ = std::max(slowest_, now_ - here->since);
      if (std::exchange(here->used, true)) {
        policy_.answered_on_kept(time(here->since), time());
      } else {
        policy_.answered_on_new(time(here->since), time());
      }
      if (!policy_.keeps() || policy_.take_from_trial()) {
        close(here);
      } else if (waiting_ != 0) {
        carry(*here);
      } else {
        here->idle = true;
        here->since = now_;
      }
    }
  }

  void close(Place place) {
    policy_.freed(time());
    if (place->has_worker) --busy_workers_;
    connections_.erase(place);
  }

  void tend() {
    const auto is_idle = [](const Connection& connection) { return connection.idle; };
    auto idle = std::count_if(connections_.begin(), connections_.end(), is_idle);
    for (auto left = policy_.to_close(time(), static_cast<std::size_t>(idle)); left != 0; --left) {
      close(std::find_if(connections_.begin(), connections_.end(), is_idle));
    }
  }

  const Server server_;
  KeepAlivePolicy policy_;
  std::list<Connection> connections_;
  std::size_t waiting_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t busy_workers_ = 0;
  int now_ = 0;
  int opened_ = 0;
  int slowest_ = 0;
};

std::function<int()> uniform(int least, int most) {
  auto random = std::make_shared<std::mt19937>(1);
  return [=] { return std::uniform_int_distribution(least, most)(*random); };
}

std::function<int()> exponential(double mean) {
  auto random = std::make_shared<std::mt19937>(1);
  return [=] {
    return 1 + static_cast<int>(std::exponential_distribution<double>(1 / mean)(*random));
  };
}

}  // namespace

TEST_CASE("a worker for each connection: 300 at once are answered as if none were kept") {
  for (const std::size_t workers : {1u, 2u, 4u, 16u}) {
    for (const int service : {1, 5, 20}) {
      for (const int keep_alive : {200, 1'000, 5'000, 30'000}) {
        CAPTURE(workers);
        CAPTURE(service);
        CAPTURE(keep_alive);
        World world({workers, [=] { return service; }, keep_alive});
        world.ask(300);
        const int ideal = (service + 1) * 300 / static_cast<int>(workers);
        CHECK(world.finish(60'000) < ideal + 1'000);
        CHECK_FALSE(world.keeps());
      }
    }
  }
}

TEST_CASE("kept connections that are used all the time do not starve new ones") {
  World world({4, [] { return 5; }, 5'000});
  for (int ms = 0; ms < 20'000; ++ms) {
    // As much as it can serve, in bursts, so that there is always something to use a kept one for.
    if (ms % 100 == 0) world.ask(70);
    world.step();
  }
  CHECK(world.slowest_ms() < 1'500);
}

TEST_CASE("a slow server with a worker for each connection is detected as well") {
  World world({4, uniform(500, 1'500), 30'000});
  world.ask(60);
  CHECK(world.finish(200'000) < 60'000 / 4 + 15'000);
  CHECK_FALSE(world.keeps());
}

TEST_CASE("connections are kept if the server does not mind") {
  const std::vector<std::function<int()>> services{
      uniform(300, 4'300), uniform(1, 3), uniform(20, 60), exponential(50), exponential(1'000)};
  for (const auto& service : services) {
    std::mt19937 random(7);
    World world({0, service, 75'000});
    for (int ms = 0; ms < 600'000; ++ms) {
      // Callbacks of up to 200 ids, and single ones.
      if (random() % 5'000 == 0) world.ask(1 + random() % 200);
      if (random() % 500 == 0) world.ask(1);
      world.step();
    }
    CHECK(world.keeps());
    CHECK(world.opened() < 2'000);
  }
}

TEST_CASE("keeping is tried again after a while, and given up at once if it still costs") {
  World world({4, [] { return 5; }, 5'000});
  world.ask(300);
  world.finish(60'000);
  REQUIRE_FALSE(world.keeps());
  int kept_ms = 0;
  for (int ms = 0; ms < 1'200'000; ++ms) {
    if (ms % 1'000 == 0) world.ask(40);
    world.step();
    kept_ms += world.keeps() ? 1 : 0;
  }
  CHECK(kept_ms > 0);
  CHECK(kept_ms < 10'000);  // of twenty minutes
}

TEST_CASE("the option decides for or against keeping") {
  World always({4, [] { return 5; }, 1'000}, SourceKeepAlive::always);
  always.ask(40);
  always.finish(60'000);
  CHECK(always.keeps());
  CHECK(always.slowest_ms() > 3'000);
  World never({0, [] { return 5; }, 1'000}, SourceKeepAlive::never);
  never.ask(1'000);
  never.finish(60'000);
  CHECK_FALSE(never.keeps());
  CHECK(never.opened() == 1'000);
}

TEST_CASE("connections are not reused if the server closes each reused one") {
  KeepAlivePolicy policy(SourceKeepAlive::automatic);
  const KeepAlivePolicy::Time now(1h);
  for (int i = 0; i < KeepAlivePolicy::stale_run; ++i) {
    CHECK(policy.keeps());
    policy.stale(now, now + 1s);  // something else than a close at the first byte
    policy.stale(now, now + 1ms);
  }
  CHECK_FALSE(policy.keeps());
  policy.to_close(now + 61s, 0);
  CHECK(policy.keeps());
  policy.stale(now + 62s, now + 62s);
  CHECK_FALSE(policy.keeps());
}

// A trial closes a connection, and one that is opened in its place is answered at once. That is no
// sign that the one which hangs had waited for a worker.
TEST_CASE("a request that hangs beside others that are answered does not end keeping") {
  KeepAlivePolicy policy(SourceKeepAlive::automatic);
  KeepAlivePolicy::Time now{};
  now += 1h;
  policy.sent_on_new(now);
  policy.answered_on_new(now, now + 5ms);  // the usual time
  policy.sent_on_new(now);                 // hangs
  for (int i = 0; i < 10'000; ++i) {
    now += 20ms;
    policy.answered_on_kept(now - 5ms, now);
    const std::size_t closed = policy.to_close(now, 1) + (policy.take_from_trial() ? 1 : 0);
    for (std::size_t place = 0; place < closed; ++place) {
      policy.freed(now);
      policy.sent_on_new(now);
      policy.answered_on_new(now, now + 5ms);
    }
    REQUIRE(policy.keeps());
  }
}
