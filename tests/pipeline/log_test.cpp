// No part waits for a Log that blocks.
#include "postoffice/log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Blocks in its first message until it is opened. Owns what it uses, for it may outlive the test.
class Reader {
 public:
  Log log() const {
    return [state = state_](LogLevel, std::string_view text) {
      state->entered.set_value_once();
      state->opened.wait();
      const std::lock_guard lock(state->mutex);
      state->lines.emplace_back(text);
    };
  }
  void await_entered() const { state_->entered.future.wait(); }
  void open() const { state_->open.set_value(); }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(state_->mutex);
    return state_->lines;
  }

 private:
  struct Once {
    std::promise<void> promise;
    std::shared_future<void> future = promise.get_future().share();
    std::once_flag flag;
    void set_value_once() {
      std::call_once(flag, [this] { promise.set_value(); });
    }
  };
  struct State {
    Once entered;
    std::promise<void> open;
    std::shared_future<void> opened = open.get_future().share();
    std::mutex mutex;
    std::vector<std::string> lines;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace

TEST_CASE("lines wait in a bounded buffer, then are dropped, counted and reported") {
  const Reader reader;
  const Log log = log_in_background(reader.log());
  log(LogLevel::info, "first");
  reader.await_entered();
  for (int i = 0; i < 10'000; ++i) log(LogLevel::info, "line " + std::to_string(i));
  CHECK(status_of(log).waiting == 8'192);
  CHECK(status_of(log).dropped == 10'000 - 8'192);
  reader.open();
  flush(log, 10s);
  const auto lines = reader.lines();
  REQUIRE(lines.size() == 1 + 8'192 + 1);
  CHECK(lines.front() == "first");
  CHECK(lines.back() == "line 8191");  // in order; what was dropped is told once, on the way
  CHECK(std::count(lines.begin(), lines.end(),
                   "log: 1808 lines were dropped, for nobody took them") == 1);
  CHECK(status_of(log).waiting == 0);
}

TEST_CASE("long lines are bounded by their bytes") {
  const Reader reader;
  const Log log = log_in_background(reader.log());
  log(LogLevel::info, "first");
  reader.await_entered();
  for (int i = 0; i < 100; ++i) log(LogLevel::info, std::string(100'000, 'x'));
  CHECK(status_of(log).waiting == 10);
  CHECK(status_of(log).dropped == 90);
  reader.open();
}

TEST_CASE("a Log that is in the background is kept as it is, and an empty one stays empty") {
  const Log log = log_in_background([](const LogLine&) {});
  log(LogLevel::info, "one");
  flush(log, 10s);
  CHECK_FALSE(log_in_background(Log{}));
  std::promise<void> wait;
  const Log stuck = log_in_background(
      [opened = wait.get_future().share()](LogLevel, std::string_view) { opened.wait(); });
  const Log same = log_in_background(stuck);
  for (int i = 0; i < 5; ++i) same(LogLevel::info, "x");
  CHECK(status_of(stuck).waiting >= 4);
  wait.set_value();
}

TEST_CASE("a pipeline whose Log never returns goes on and can be stopped and destroyed") {
  const Reader reader;  // nobody opens it
  ManualClock clock;
  DirectIngress ingress;
  MemoryQueue queue(clock);
  FakeSource source([](ObjectId) { return FakeSource::failed(Error::unavailable); });
  MemoryStore store;
  PipelineOptions options;
  options.seed = 42;
  auto pipeline = std::make_unique<Pipeline>(Pipeline::Parts{clock, ingress, queue, source, store},
                                             options, reader.log());
  REQUIRE_FALSE(pipeline->start());
  std::vector<ObjectId> ids(200);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i);
  ingress.send(ids, [](std::error_code, const Receipt&) {});
  clock.advance(5s);
  reader.await_entered();  // "source: no answers"
  const auto fetches = pipeline->status().fetches;
  clock.advance(5s);
  CHECK(pipeline->status().fetches > fetches);
  bool stopped = false;
  pipeline->stop([&] { stopped = true; });
  clock.advance(10s);
  CHECK(stopped);
  pipeline.reset();
}
