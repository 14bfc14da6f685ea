#include "postgres/flush_watch.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

struct Fixture {
  FlushWatch watch;
  std::vector<int> durable;
  std::vector<int> failed;

  void commit(int number, LogPosition end) {
    watch.committed(end, [this, number](const Failure& failure) {
      (failure ? failed : durable).push_back(number);
    });
  }
};

TEST_CASE_FIXTURE(Fixture, "a transaction is durable once the log is flushed to its end") {
  commit(1, 100);
  commit(2, 200);
  CHECK(durable.empty());
  watch.flushed(99);
  CHECK(durable.empty());
  watch.flushed(100);
  CHECK(durable == std::vector{1});
  CHECK(watch.waiting());
  watch.flushed(250);
  CHECK(durable == std::vector{1, 2});
  CHECK_FALSE(watch.waiting());
}

TEST_CASE_FIXTURE(
    Fixture, "what a lost session had not flushed has failed, and later positions do not save it") {
  commit(1, 100);
  commit(2, 200);
  watch.flushed(100);
  watch.fail(Error::unavailable);
  watch.flushed(1'000);
  CHECK(durable == std::vector{1});
  CHECK(failed == std::vector{2});
}

TEST_CASE_FIXTURE(Fixture, "behind a commit that has waited for the log, all is durable") {
  commit(1, 100);
  commit(2, 200);
  watch.flushed();
  CHECK(durable == std::vector{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "a completion may begin the next transaction") {
  watch.committed(100, [this](const Failure&) { commit(2, 150); });
  watch.flushed(120);
  CHECK(durable.empty());
  watch.flushed(150);
  CHECK(durable == std::vector{2});
}

}  // namespace
}  // namespace postoffice::postgres
