#include "core/ring.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

using namespace postoffice::core;

TEST_CASE("a ring is a deque whose elements keep their positions") {
  struct Item {
    Ring<Item>::Position position = 0;
    int value = 0;
  };
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Ring<Item> ring;
  std::deque<Item> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % (step % 2'000 < 1'000 ? 8 : 20);  // grows, and shrinks again
    if (choice == 0) {
      model.push_front({ring.push_front({0, step}), step});
    } else if (choice < 7) {
      model.push_back({ring.push_back({0, step}), step});
    } else if (!model.empty()) {
      ring.pop_front();
      model.pop_front();
    }
    REQUIRE(ring.size() == model.size());
    REQUIRE(ring.empty() == model.empty());
    if (model.empty()) continue;
    REQUIRE(ring.front().value == model.front().value);
    const Item& some = model[random() % model.size()];
    REQUIRE(ring[some.position].value == some.value);
  }
}
