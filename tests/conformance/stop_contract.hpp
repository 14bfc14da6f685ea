// The stop contract of every part, as tests: it refuses new calls, waits for earlier ones, and has
// ended when its destructor returns (decision 0049). A harness type provides a part:
//
//   struct Harness {
//     static constexpr bool ends_inside = true;  // the destructor may run inside a completion
//     void begin();                              // makes the part, again after end()
//     std::vector<Call> calls();                 // one of each kind that completes by itself
//     void end();                                // destroys the part; its completions may call it
//     void wait(Done);                           // optional: a call that only the end completes
//     void stop(std::function<void()>);          // optional: the part has one
//   };
//
// and is run with TEST_CASE_TEMPLATE_INVOKE(stop_contract, Harness).
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "postoffice/error.hpp"

namespace postoffice::conformance {

using Done = std::function<void(std::error_code)>;
using Call = std::function<void(Done)>;

/// How often, and how, each of many calls was completed. Must outlive them.
class Completed {
 public:
  /// For one more call; `then` runs behind it.
  Done next(std::function<void()> then = {}) {
    const std::lock_guard lock(mutex_);
    ends_.emplace_back();
    return [this, &end = ends_.back(), then = std::move(then)](std::error_code error) {
      {
        const std::lock_guard inner(mutex_);
        ++end.times;
        end.error = error;
        changed_.notify_all();
      }
      if (then) then();
    };
  }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return number_if([](const End& end) { return end.times > 0; });
  }

  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      return number_if([](const End& end) { return end.times > 0; }) >= count;
    });
  }

  bool each_once() {
    const std::lock_guard lock(mutex_);
    return number_if([](const End& end) { return end.times == 1; }) == ends_.size();
  }

  bool each_stopped() {
    const std::lock_guard lock(mutex_);
    return number_if([](const End& end) { return end.error == Error::stopped; }) == ends_.size();
  }

 private:
  struct End {
    int times = 0;
    std::error_code error;
  };

  template <typename Condition>
  std::size_t number_if(Condition condition) const {
    return static_cast<std::size_t>(std::count_if(ends_.begin(), ends_.end(), condition));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<End> ends_;
};

template <typename Harness>
void call_each(Harness& harness, Completed& completed, const std::function<void()>& then = {}) {
  for (const Call& call : harness.calls()) call(completed.next(then));
}

template <typename Harness>
void check_end_of_waiting_calls() {
  Completed completed;
  Completed late;
  Harness harness;
  const auto ask_on = [&] {
    call_each(harness, late);
    harness.wait(late.next());
  };
  SUBCASE("what waits when a part is destroyed ends with Error::stopped") {
    harness.wait(completed.next());
    CHECK(completed.count() == 0);
    harness.end();
  }
  SUBCASE("what is asked while a part is destroyed is refused, each exactly once") {
    harness.wait(completed.next(ask_on));
    harness.end();
    CHECK(late.count() > 0);
  }
  CHECK(completed.each_once());
  CHECK(completed.each_stopped());
  CHECK(late.each_once());
  CHECK(late.each_stopped());
}

template <typename Harness>
void check_end_inside_completion() {
  Completed completed;
  Harness harness;
  for (int times = 0; times < 5; ++times) call_each(harness, completed);
  std::promise<void> called;
  std::promise<bool> all_ended;
  harness.calls().front()([&](std::error_code) {
    called.get_future().wait();  // nobody else is inside the part
    harness.end();
    all_ended.set_value(completed.each_once());
  });
  called.set_value();
  CHECK(all_ended.get_future().get());
  CHECK(completed.each_once());
}

template <typename Harness>
void check_stop() {
  Completed completed;
  Completed late;
  std::atomic<int> stopped = 0;
  std::promise<void> all;
  Harness harness;
  const auto one_done = [&] {
    if (++stopped == 5) all.set_value();
  };
  call_each(harness, completed);
  SUBCASE("stop() may be called twice, from several threads, and where another is done") {
    std::thread other([&] { harness.stop(one_done); });
    harness.stop([&] {
      harness.stop(one_done);
      one_done();
    });
    for (int times = 0; times < 2; ++times) harness.stop(one_done);
    other.join();
  }
  SUBCASE("stop() may be called inside a completion") {
    for (int times = 0; times < 5; ++times) {
      harness.calls().front()([&](std::error_code) { harness.stop(one_done); });
    }
  }
  REQUIRE(all.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  CHECK(completed.each_once());  // what was old has been waited for
  harness.stop(one_done);
  CHECK(stopped == 6);
  call_each(harness, late);
  CHECK(late.each_once());
  CHECK(late.each_stopped());
  harness.end();
  CHECK(completed.each_once());
  CHECK(stopped == 6);
}

TEST_CASE_TEMPLATE_DEFINE("a part refuses what is new, waits for what is old, and ends", Harness,
                          stop_contract) {
  SUBCASE("destroyed with work under way: each call has ended exactly once") {
    Completed completed;
    Harness harness;
    for (int times = 0; times < 5; ++times) call_each(harness, completed);
    harness.end();
    CHECK(completed.each_once());
  }
  SUBCASE("destroyed while completions arrive that ask on: each call has ended exactly once") {
    Harness harness;
    for (std::size_t trial = 0; trial < 20; ++trial) {
      Completed completed;
      for (int times = 0; times < 5; ++times) {
        call_each(harness, completed, [&] { call_each(harness, completed); });
      }
      CHECK(completed.wait_for(trial));
      harness.end();
      CHECK(completed.each_once());
      harness.begin();
    }
  }
  SUBCASE("while a call waits") {
    if constexpr (requires(Harness & harness, Done done) { harness.wait(done); }) {
      check_end_of_waiting_calls<Harness>();
    }
  }
  SUBCASE("a part may be destroyed inside a completion where its header says so") {
    if constexpr (Harness::ends_inside) check_end_inside_completion<Harness>();
  }
  SUBCASE("stopped") {
    if constexpr (requires(Harness & harness) { harness.stop([] {}); }) check_stop<Harness>();
  }
}

}  // namespace postoffice::conformance
