#include "codec/sort_by_id.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

using namespace postoffice;
using namespace postoffice::codec;

namespace {

struct Row {
  ObjectId id = 0;
  int value = 0;
};

}  // namespace

TEST_CASE("rows of any ids and any number come out in order, each with what belongs to it") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<Row> rows, spare;
  for (int round = 0; round < 200; ++round) {
    rows.clear();
    const std::size_t count = random() % (round % 2 == 0 ? 50 : 3'000);
    const unsigned shift = random() % 64;  // from all of int64 to two of them
    for (std::size_t i = 0; i < count; ++i) {
      const auto id = static_cast<ObjectId>(random()) >> shift;
      rows.push_back({id, static_cast<int>(id % 1'000)});
    }
    if (count > 1) rows[0].id = std::numeric_limits<ObjectId>::min(), rows[0].value = -1;
    if (count > 1) rows[1].id = std::numeric_limits<ObjectId>::max(), rows[1].value = -2;
    sort_by_id(rows, spare);
    REQUIRE(rows.size() == count);
    REQUIRE(std::is_sorted(rows.begin(), rows.end(),
                           [](const Row& a, const Row& b) { return a.id < b.id; }));
    REQUIRE(std::all_of(rows.begin(), rows.end(), [](const Row& row) {
      return row.value == -1 || row.value == -2 || row.value == row.id % 1'000;
    }));
    if (count < 2) continue;
    REQUIRE(rows.front().value == -1);
    REQUIRE(rows.back().value == -2);
  }
}
