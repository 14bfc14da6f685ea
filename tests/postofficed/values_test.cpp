#include "options/values.hpp"

#include <doctest/doctest.h>

using namespace postofficed;
using namespace std::chrono_literals;

TEST_CASE("durations have a unit") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0s") == 0s);
  for (const char* text : {"", "30", "s", "-1s", "1.5s", "1 s", "1sec", "1d",
                           "99999999999999999999s", "9223372036854775807h", "100000000h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a shown duration reads back as itself") {
  for (const auto value : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms, 3'600'000ms, 90'000ms}) {
    CHECK(parse_duration(show_duration(value)) == value);
  }
  CHECK(show_duration(90s) == "90s");
  CHECK(show_duration(100ms) == "100ms");
}

TEST_CASE("sizes have binary units, or none") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("64MiB") == 64u << 20);
  CHECK(parse_size("10GiB") == 10ull << 30);
  for (const char* text : {"", "MiB", "1MB", "1 MiB", "-1", "1.5GiB", "2000000TiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("ids reach from the least to the greatest int64") {
  CHECK(parse_id("-9223372036854775808") == INT64_MIN);
  CHECK(parse_id("9223372036854775807") == INT64_MAX);
  for (const char* text : {"", "9223372036854775808", "1x", "+1", " 1", "0x1"}) {
    CHECK_FALSE(parse_id(text));
  }
}
