// What a publisher may say of the numbers it gave: only what no hole is in.
#include "rabbitmq/shard_numbers.hpp"

#include <doctest/doctest.h>

using namespace postoffice::rabbitmq;

TEST_CASE("callbacks are numbered shard by shard, and said to be confirmed once they all are") {
  ShardNumbers numbers(2);
  CHECK(numbers.put(0, true) == PlaceInLine{1, {1, 0}, {1, 0}});
  CHECK(numbers.put(1, true).number == 1);
  CHECK(numbers.put(0, false) == PlaceInLine{1, {1, 0}, {1, 0}});
  CHECK(numbers.put(0, true).number == 2);
  numbers.confirm(4, false);
  CHECK(numbers.put(0, false) == PlaceInLine{2, {1, 0}, {1, 0}});  // 1 is open
  numbers.confirm(1, false);
  CHECK(numbers.put(0, false) == PlaceInLine{2, {1, 2}, {1, 0}});
  CHECK(numbers.put(1, false) == PlaceInLine{1, {1, 0}, {1, 0}});
  numbers.confirm(0, true);
  CHECK(numbers.put(1, false) == PlaceInLine{1, {1, 1}, {1, 0}});
}

TEST_CASE("behind a number that was refused a new range begins") {
  ShardNumbers numbers(1);
  for (int i = 0; i < 5; ++i) numbers.put(0, true);
  numbers.confirm(2, true);
  numbers.confirm(4, false);
  numbers.refuse(3, false);
  numbers.confirm(5, false);  // behind a hole: nobody will be asked for it
  CHECK(numbers.put(0, true) == PlaceInLine{6, {6, 5}, {1, 2}});
  numbers.confirm(6, false);
  CHECK(numbers.put(0, false) == PlaceInLine{6, {6, 6}, {1, 2}});
  numbers.put(0, true);
  numbers.refuse(8, false);
  CHECK(numbers.put(0, false) == PlaceInLine{7, {8, 7}, {6, 6}});
}

TEST_CASE("what was on its way when the connection ended, or came back, is never said") {
  ShardNumbers numbers(1);
  numbers.put(0, true);
  numbers.put(0, true);
  numbers.confirm(1, false);
  numbers.end_connection();
  CHECK(numbers.put(0, false) == PlaceInLine{3, {4, 3}, {1, 1}});
  numbers.put(0, true);
  numbers.doubt_all();
  numbers.confirm(2, true);
  CHECK(numbers.put(0, false) == PlaceInLine{4, {5, 4}, {1, 1}});
}

TEST_CASE("a place survives its text, and nothing else is taken for one") {
  const PlaceInLine place{0xabcdef, {0xabcd00, 0xabcdee}, {1, ~std::uint64_t{0} >> 8}};
  CHECK(to_text({7, {5, 6}, {1, 3}}) == "1/7/5/6/1/3");
  CHECK(parse_place("1/7/5/6/1/3") == PlaceInLine{7, {5, 6}, {1, 3}});
  CHECK(to_text(place).size() < 64);
  for (const auto* text :
       {"", "1", "2/7/5/6/1/3", "1/7/5/6/1", "1/7/5/6/1/3/", "1/7/5/6/1/x", "1/7/5/6/1/-3",
        "1/7/5/8/1/3", "1/7/5/6/1/5", "1/7/0/6/1/3", "1/7/5/3/1/3", "1/12345678901234567/1/0/1/0",
        "an id of somebody else's"}) {
    CHECK_MESSAGE(!parse_place(text), text);
  }
}
