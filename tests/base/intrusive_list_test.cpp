#include "base/intrusive_list.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <list>
#include <random>
#include <vector>

using namespace postoffice;

namespace {

struct Element {
  int value = 0;
  ListLinks<std::uint32_t> links;
};
using List = IntrusiveList<std::uint32_t, Element, &Element::links>;

std::vector<std::uint32_t> forwards(const List& list, const std::vector<Element>& pool) {
  std::vector<std::uint32_t> found;
  for (auto at = list.first(); at != List::none; at = list.after(pool, at)) found.push_back(at);
  return found;
}

std::vector<std::uint32_t> backwards(const List& list, const std::vector<Element>& pool) {
  std::vector<std::uint32_t> found;
  for (auto at = list.last(); at != List::none; at = list.before(pool, at)) found.push_back(at);
  return found;
}

#ifndef NDEBUG
/// In a process of its own, since an assertion ends it.
template <typename Mistake>
bool asserts(Mistake mistake) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    std::freopen("/dev/null", "w", stderr);
    mistake();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
#endif

}  // namespace

TEST_CASE("elements stand in the order in which they were inserted") {
  std::vector<Element> pool(4);
  List list;
  CHECK(list.empty());
  list.push_back(pool, 2);
  list.push_back(pool, 0);
  list.insert_after(pool, List::none, 3);
  list.insert_after(pool, 2, 1);
  CHECK(forwards(list, pool) == std::vector<std::uint32_t>{3, 2, 1, 0});
  CHECK(backwards(list, pool) == std::vector<std::uint32_t>{0, 1, 2, 3});
  list.remove(pool, 2);
  CHECK_FALSE(pool[2].links.linked());
  CHECK(forwards(list, pool) == std::vector<std::uint32_t>{3, 1, 0});
  CHECK(list.size() == 3);
}

TEST_CASE("any order of insertions and removals leaves what a list of pointers leaves") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<Element> pool;
  List list;
  std::list<std::uint32_t> model;
  for (int step = 0; step < 20'000; ++step) {
    if (pool.size() < 40) pool.emplace_back();  // it may move
    const auto index = static_cast<std::uint32_t>(random() % pool.size());
    if (pool[index].links.linked()) {
      list.remove(pool, index);
      model.remove(index);
    } else if (model.empty() || random() % 3 == 0) {
      list.insert_after(pool, List::none, index);
      model.push_front(index);
    } else {
      auto place = std::next(model.begin(), static_cast<long>(random() % model.size()));
      list.insert_after(pool, *place, index);
      model.insert(std::next(place), index);
    }
    REQUIRE(list.size() == model.size());
    REQUIRE(std::ranges::equal(forwards(list, pool), model));
    model.reverse();
    REQUIRE(std::ranges::equal(backwards(list, pool), model));
    model.reverse();
  }
}

#ifndef NDEBUG
TEST_CASE("an element that is inserted twice, or removed though it is not linked, is a bug") {
  std::vector<Element> pool(3);
  List list, other;
  list.push_back(pool, 0);
  other.push_back(pool, 1);
  CHECK_FALSE(asserts([&] { list.push_back(pool, 2); }));
  CHECK(asserts([&] { list.push_back(pool, 0); }));
  CHECK(asserts([&] { list.push_back(pool, 1); }));
  CHECK(asserts([&] { list.remove(pool, 2); }));
  CHECK(asserts([&] { list.remove(pool, 1); }));  // it stands in the other one
  CHECK(asserts([&] { list.insert_after(pool, 2, 1); }));
}
#endif
