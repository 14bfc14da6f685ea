#include "cluster/closing_threads.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

using postoffice::cluster::ClosingThreads;

TEST_CASE("threads that have ended are joined, without waiting for those that still close") {
  ClosingThreads threads;
  std::promise<void> go_on;
  threads.run([&] { go_on.get_future().wait(); });
  for (int i = 0; i < 20; ++i) threads.run([] {});
  while (threads.size() > 1) {
    threads.join_ended();
    std::this_thread::yield();
  }
  threads.join_ended();
  CHECK(threads.size() == 1);
  go_on.set_value();
}

TEST_CASE("the destructor waits for all threads, and what the tasks held is destroyed") {
  const auto held = std::make_shared<std::atomic<int>>(0);
  {
    ClosingThreads threads;
    for (int i = 0; i < 5; ++i) threads.run([held] { ++*held; });
  }
  CHECK(*held == 5);
  CHECK(held.use_count() == 1);
}
