// Two processes with one publisher's number: which may continue.
#include "cluster/publisher_place.hpp"

#include <doctest/doctest.h>

using namespace postoffice::cluster;
using postoffice::PostgresInstanceList;

namespace {

constexpr std::uint64_t id = 7;

PostgresInstanceList rows(const std::string& name, std::int64_t epoch, int shards = 2) {
  PostgresInstanceList list;
  list.rows.push_back({.publisher = 8, .shard = 0, .name = "somebody", .epoch = 99});
  list.rows.push_back({.publisher = 0, .shard = 0, .name = "a worker", .epoch = 98});
  for (int shard = 0; shard < shards; ++shard) {
    list.rows.push_back({.publisher = id, .shard = shard, .name = name, .epoch = epoch});
  }
  return list;
}

struct Place : PublisherPlace {
  Place() : PublisherPlace(id, "us", 2) {
    CHECK(look(rows("us before", 3)));  // started again: the place is taken without a question
    taken();
    CHECK_FALSE(look(rows("us", 4)));
    CHECK(other().empty());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Place, "whoever finds another's name in its place gives way, until it is free") {
  CHECK_FALSE(look(rows("a copy", 5)));
  CHECK(other() == "a copy");
  CHECK_FALSE(look(rows("a copy", 6, 1)));  // a worker has heard its goodbye, the other not yet
  CHECK(other() == "a copy");
  CHECK(look(rows("", 0, 0)));
  CHECK(other().empty());
  taken();
  CHECK_FALSE(look(rows("us", 9)));
  CHECK(other().empty());
}

TEST_CASE_FIXTURE(Place, "another epoch is another process, though it has the same name") {
  CHECK_FALSE(look(rows("us", 5)));
  CHECK(other() == "us");
}

TEST_CASE_FIXTURE(Place, "registering again is no other process") {
  taken();
  CHECK_FALSE(look(rows("us", 5)));
  CHECK(other().empty());
}

TEST_CASE_FIXTURE(Place, "a row that is gone is made again") {
  CHECK(look(rows("us", 4, 1)));
  CHECK(look(rows("us", 4, 0)));
}

TEST_CASE_FIXTURE(Place, "rows of shards that an earlier start filled are nobody's") {
  auto list = rows("us", 4);
  list.rows.push_back({.publisher = id, .shard = 2, .name = "us before", .epoch = 3});
  CHECK_FALSE(look(list));
  CHECK(other().empty());
}
