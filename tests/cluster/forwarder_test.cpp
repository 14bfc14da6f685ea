#include "postoffice/defaults/forwarder.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "support/event_log.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

// The other side, which answers when the test tells it to.
class Broker {
 public:
  struct Message {
    std::vector<ObjectId> ids;
    Timestamp received_at;
    Forwarder::Done done;  // empty once answered
  };

  Forwarder::Forward forward() {
    return [this](std::span<const ObjectId> ids, Timestamp received_at, Forwarder::Done done) {
      messages.push_back({{ids.begin(), ids.end()}, received_at, std::move(done)});
      if (at_once) answer(messages.size() - 1, *at_once);
    };
  }

  void answer(std::size_t index, std::error_code error = {}) {
    std::exchange(messages[index].done, nullptr)(error);
  }
  void answer_all(std::error_code error = {}) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (messages[i].done) answer(i, error);
    }
  }
  std::size_t waiting() const {
    std::size_t count = 0;
    for (const auto& message : messages) count += message.done ? 1 : 0;
    return count;
  }

  std::vector<Message> messages;
  std::optional<std::error_code> at_once;
};

struct World {
  explicit World(ForwarderOptions options = {}) : options_(options) { begin(); }

  void begin() {
    forwarder.emplace(queue, clock, broker.forward(), options_, log.log());
    forwarder->start();
    clock.run_ready();
  }

  void restart() {
    forwarder.reset();
    for (auto& message : broker.messages) message.done = nullptr;
    queue.restart();
    begin();
  }

  Timestamp accept(std::vector<ObjectId> ids) {
    Timestamp stamp{};
    queue.append(ids, std::nullopt, [&](std::error_code error, const Receipt& receipt) {
      REQUIRE_FALSE(error);
      stamp = receipt.received_at;
    });
    clock.run_ready();
    return stamp;
  }

  void answer_all(std::error_code error = {}) {
    broker.answer_all(error);
    clock.run_ready();
  }

  ManualClock clock;
  MemoryQueue queue{clock};
  Broker broker;
  EventLog log;
  std::optional<Forwarder> forwarder;

 private:
  ForwarderOptions options_;
};

const std::error_code away = Error::unavailable;

}  // namespace

TEST_CASE("each callback is forwarded with its ids and its receipt time") {
  World world;
  const auto first = world.accept({3, 1});
  world.clock.advance(1s);
  const auto second = world.accept({2});
  REQUIRE(world.broker.messages.size() == 2);
  CHECK(world.broker.messages[0].ids == std::vector<ObjectId>{1, 3});
  CHECK(world.broker.messages[0].received_at == first);
  CHECK(world.broker.messages[1].received_at == second);
}

TEST_CASE("the queue keeps what is not confirmed, and all that came after it (S1)") {
  World world;
  for (const ObjectId id : {1, 2, 3}) world.accept({id});
  CHECK(world.queue.progress().acknowledged == 0);
  world.broker.answer(1);
  world.clock.run_ready();
  CHECK(world.queue.progress().acknowledged == 0);
  world.broker.answer(0);
  world.clock.run_ready();
  CHECK(world.queue.progress().acknowledged == 2);
  world.answer_all();
  CHECK(world.queue.progress().acknowledged == 3);
  CHECK(world.forwarder->status().forwarded == 3);
}

TEST_CASE("the frontier stays at the oldest callback that is not confirmed (S6)") {
  World world;
  const auto first = world.accept({1});
  world.clock.advance(1s);
  const auto second = world.accept({2});
  world.clock.advance(1s);
  CHECK(world.forwarder->frontier() == first);
  world.broker.answer(1);
  world.clock.run_ready();
  CHECK(world.forwarder->frontier() == first);
  world.broker.answer(0, away);
  world.clock.run_ready();
  CHECK(world.forwarder->frontier() == first);
  world.clock.advance(5s);
  world.answer_all();
  CHECK(world.forwarder->frontier() == world.clock.now());
  CHECK(second < world.clock.now());
}

TEST_CASE("a confirmation behind an older unconfirmed callback does not advance the frontier") {
  World world;
  world.accept({1});
  world.answer_all();
  world.clock.advance(1s);
  const auto second = world.accept({2});
  world.clock.advance(1s);
  CHECK(world.forwarder->frontier() == second);
}

TEST_CASE("after a failure it waits for calls under way, then sends all that failed in order") {
  World world;
  for (const ObjectId id : {1, 2, 3}) world.accept({id});
  world.broker.answer(0, away);
  world.broker.answer(1, away);
  world.clock.advance(10s);
  CHECK(world.broker.messages.size() == 3);  // the third is still under way
  world.accept({4});
  CHECK(world.broker.messages.size() == 3);  // and nothing new begins
  world.broker.answer(2);
  world.clock.advance(100ms);
  REQUIRE(world.broker.messages.size() == 6);
  CHECK(world.broker.messages[3].ids.front() == 1);
  CHECK(world.broker.messages[4].ids.front() == 2);
  CHECK(world.broker.messages[5].ids.front() == 4);
  world.answer_all();
  CHECK(world.queue.progress().acknowledged == 4);
}

TEST_CASE("pauses grow to the maximum, and retries never end (S9)") {
  World world;
  world.broker.at_once = away;
  world.accept({1});
  world.clock.advance(60s);
  const auto attempts = world.broker.messages.size();
  CHECK(attempts >= 30);  // two seconds apart at most
  CHECK(attempts <= 40);
  CHECK(world.log.count("") == 1);  // said once
  CHECK_FALSE(world.forwarder->status().well);
  world.broker.at_once = std::error_code();
  world.clock.advance(2s);
  CHECK(world.queue.progress().acknowledged == 1);
  CHECK(world.forwarder->status().well);
  CHECK(world.log.count("") == 2);
}

TEST_CASE("it reads no more than it may hold unconfirmed") {
  World world({.ids_max = 20'000});
  std::vector<ObjectId> ids(1'000);
  for (int i = 0; i < 100; ++i) {
    for (std::size_t k = 0; k < ids.size(); ++k) {
      ids[k] = i * 1'000 + static_cast<ObjectId>(k);
    }
    world.accept(ids);
  }
  CHECK(world.broker.waiting() >= 20);
  CHECK(world.broker.waiting() <= 30);
  while (world.broker.waiting() > 0) world.answer_all();
  CHECK(world.forwarder->status().forwarded == 100);
}

TEST_CASE("a stop waits for what is under way and leaves the rest in the queue (S10)") {
  World world;
  world.accept({1});
  world.accept({2});
  int stopped = 0;
  world.forwarder->stop([&] { ++stopped; });
  world.clock.advance(1s);
  CHECK(stopped == 0);
  world.broker.answer(0);
  world.broker.answer(1, away);
  world.clock.advance(10s);
  CHECK(stopped == 1);
  world.accept({3});
  CHECK(world.broker.messages.size() == 2);
  CHECK(world.queue.progress().acknowledged == 1);
  world.restart();
  REQUIRE(world.broker.messages.size() == 4);
  CHECK(world.broker.messages[2].ids.front() == 2);
}

TEST_CASE("a stop may destroy it") {
  World world;
  world.accept({1});
  world.forwarder->stop([&] { world.forwarder.reset(); });
  world.answer_all();
  CHECK_FALSE(world.forwarder);
}

TEST_CASE("random histories: nothing accepted is lost, whatever fails and restarts (S1, S6)") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    World world({.ids_max = 8});
    std::map<ObjectId, Timestamp> accepted;
    std::set<ObjectId> confirmed;
    const auto note_and_answer = [&](std::size_t index, std::error_code error) {
      if (!error) confirmed.insert(world.broker.messages[index].ids.front());
      world.broker.answer(index, error);
    };
    for (int step = 0; step < 150; ++step) {
      if (chance(50)) {
        const auto id = static_cast<ObjectId>(accepted.size() + 1);
        accepted[id] = world.accept({id});
      }
      for (std::size_t i = 0; i < world.broker.messages.size(); ++i) {
        if (world.broker.messages[i].done && chance(30)) {
          note_and_answer(i, chance(30) ? away : std::error_code());
        }
      }
      world.clock.advance(std::chrono::milliseconds(random() % 300));
      if (chance(3)) world.restart();
      const auto frontier = world.forwarder->frontier();
      for (const auto& [id, stamp] : accepted) {
        if (stamp < frontier) REQUIRE(confirmed.count(id) == 1);
      }
    }
    for (int round = 0; round < 1'000; ++round) {
      if (world.queue.progress().acknowledged == accepted.size()) break;
      for (std::size_t i = 0; i < world.broker.messages.size(); ++i) {
        if (world.broker.messages[i].done) note_and_answer(i, {});
      }
      world.clock.advance(2s);
    }
    REQUIRE(confirmed.size() == accepted.size());
    REQUIRE(world.queue.progress().acknowledged == accepted.size());
  }
}

TEST_CASE("completions after a forwarder's end touch neither queue nor clock (ASan)") {
  Broker broker;
  auto clock = std::make_unique<ManualClock>();
  auto queue = std::make_unique<MemoryQueue>(*clock);
  auto forwarder = std::make_unique<Forwarder>(*queue, *clock, broker.forward());
  forwarder->start();
  const ObjectId id = 1;
  queue->append({&id, 1}, std::nullopt, [](std::error_code, const Receipt&) {});
  clock->run_ready();
  REQUIRE(broker.waiting() == 1);
  forwarder.reset();
  queue.reset();  // the waiting read ends
  clock.reset();
  broker.answer_all();
  CHECK(broker.waiting() == 0);
}

TEST_CASE("with threads on all sides every callback arrives, and a stop ends it (S1, S10)") {
  EventLoop loop;
  SystemClock clock(loop);
  MemoryQueue queue(clock);
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Forwarder::Done> waiting;
  bool over = false;
  std::thread broker([&] {
    std::mt19937 random(1);
    std::unique_lock lock(mutex);
    while (!over || !waiting.empty()) {
      changed.wait(lock, [&] { return over || !waiting.empty(); });
      if (waiting.empty()) continue;
      auto done = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      done(random() % 50 == 0 ? away : std::error_code());
      lock.lock();
    }
  });
  Forwarder forwarder(queue, clock,
                      [&](std::span<const ObjectId>, Timestamp, Forwarder::Done done) {
                        const std::lock_guard lock(mutex);
                        waiting.push_back(std::move(done));
                        changed.notify_one();
                      },
                      {.ids_max = 100, .retry_min = 1ms, .retry_max = 2ms});
  loop.start();
  forwarder.start();
  constexpr int callbacks = 1'000;
  std::thread senders[2];
  for (auto& sender : senders) {
    sender = std::thread([&] {
      for (ObjectId id = 0; id < callbacks; ++id) {
        queue.append({&id, 1}, std::nullopt, [](std::error_code, const Receipt&) {});
        forwarder.frontier();
      }
    });
  }
  for (auto& sender : senders) sender.join();
  while (forwarder.status().forwarded < 2 * callbacks) std::this_thread::sleep_for(1ms);
  std::promise<void> stopped;
  forwarder.stop([&] { stopped.set_value(); });
  stopped.get_future().get();
  CHECK(queue.progress().acknowledged == 2 * callbacks);
  {
    const std::lock_guard lock(mutex);
    over = true;
    changed.notify_one();
  }
  broker.join();
  loop.stop();
}
