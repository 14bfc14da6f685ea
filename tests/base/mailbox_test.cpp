#include "base/mailbox.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

using postoffice::Mailbox;

TEST_CASE("the owner of a mailbox is woken once for all that it finds") {
  Mailbox<int> mailbox;
  CHECK(mailbox.put(1));
  CHECK_FALSE(mailbox.put(2));
  CHECK_FALSE(mailbox.ring());
  CHECK(mailbox.take_all() == std::vector{1, 2});
  CHECK(mailbox.ring());
  CHECK_FALSE(mailbox.put(3));
  CHECK(mailbox.take_all() == std::vector{3});
  CHECK(mailbox.take_all().empty());
  CHECK(mailbox.put(4));
}

TEST_CASE("what threads put into a mailbox arrives once, in the order of each") {
  constexpr int threads_count = 3;
  constexpr int items = 2'000;
  Mailbox<int> mailbox;
  std::atomic<int> rings{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < threads_count; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < items; ++i) rings += mailbox.put(thread * items + i) ? 1 : 0;
    });
  }
  std::vector<int> next(threads_count, 0);
  int found = 0;
  int taken = 0;
  while (found < threads_count * items) {
    if (rings == taken) continue;  // whoever is not told does not look
    ++taken;
    for (const int item : mailbox.take_all()) {
      REQUIRE(item % items == next[static_cast<std::size_t>(item / items)]++);
      ++found;
    }
  }
  for (auto& thread : threads) thread.join();
  CHECK(mailbox.take_all().empty());
}
