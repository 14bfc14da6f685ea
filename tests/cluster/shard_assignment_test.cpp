#include "cluster/shard_assignment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace postoffice::cluster;

namespace {

using Names = std::vector<std::string>;

std::map<int, std::string> owners(const Names& live, int shards) {
  std::map<int, std::string> result;
  for (const auto& name : live) {
    for (const int shard : shards_of(name, live, shards)) {
      CHECK(result.emplace(shard, name).second);  // nobody else has it
    }
  }
  CHECK(result.size() == static_cast<std::size_t>(shards));
  return result;
}

Names workers(int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back("host:" + std::to_string(1000 + i));
  return names;
}

}  // namespace

TEST_CASE("every shard has exactly one owner, whichever workers are alive") {
  for (int count = 1; count <= 20; ++count) owners(workers(count), 64);
}

TEST_CASE("a worker that leaves moves only its own shards") {
  const auto names = workers(5);
  const auto before = owners(names, 256);
  for (const auto& gone : names) {
    Names rest;
    std::copy_if(names.begin(), names.end(), std::back_inserter(rest),
                 [&](const std::string& name) { return name != gone; });
    for (const auto& [shard, owner] : owners(rest, 256)) {
      if (before.at(shard) != gone) CHECK(owner == before.at(shard));
    }
  }
}

TEST_CASE("the shares are about even") {
  std::map<std::string, int> counts;
  for (const auto& [shard, owner] : owners(workers(4), 1024)) ++counts[owner];
  for (const auto& [owner, count] : counts) {
    CHECK(count > 180);
    CHECK(count < 340);
  }
}

TEST_CASE("a worker not listed yet counts itself, and a name listed twice is one worker") {
  CHECK(shards_of("a", {}, 8).size() == 8);
  CHECK(shards_of("a", {"a", "a"}, 8).size() == 8);
  const auto with = shards_of("a", {"a", "b"}, 64);
  CHECK(shards_of("a", {"b"}, 64) == with);
}

TEST_CASE("fetches are divided without a remainder, and each worker gets some") {
  for (const std::size_t total : {1u, 7u, 8u, 1024u}) {
    for (const std::size_t parts : {1u, 3u, 8u}) {
      std::size_t sum = 0;
      for (std::size_t i = 0; i < parts; ++i) sum += share_of(total, parts, i);
      CHECK(sum == std::max(total, parts));
    }
  }
  CHECK(share_of(10, 0, 0) == 10);
}
