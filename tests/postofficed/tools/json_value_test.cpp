#include "support/json_value.hpp"

#include <doctest/doctest.h>

using namespace postofficed;

TEST_CASE("values are found by name; what is not there is null all the way down") {
  const auto value = JsonValue::parse(
      R"({"a":{"b":[1,-2.5e3,true,null,"x\u00e9"],"c":{}},"big":9223372036854775807,"no":false})");
  REQUIRE(value);
  const auto& items = (*value)["a"]["b"].items();
  REQUIRE(items.size() == 5);
  CHECK(items[0].number() == 1);
  CHECK(items[1].number() == -2500);
  CHECK(items[2].flag() == true);
  CHECK(items[3].is_null());
  CHECK(items[4].text() == "xé");
  CHECK((*value)["no"].flag() == false);
  CHECK((*value)["a"]["c"].members().empty());
  CHECK((*value)["big"].number() == 9223372036854775807.0);
  CHECK((*value)["big"].integer() == 9223372036854775807);
  CHECK_FALSE(items[1].integer());
  CHECK((*value)["a"].is_object());
  CHECK((*value)["a"]["b"].is_array());
  CHECK(items[4].is_string());
  CHECK((*value)["x"]["y"]["z"].is_null());
  CHECK_FALSE((*value)["a"].number());
  CHECK((*value)["big"].text().empty());
}

TEST_CASE("what is not JSON is nothing") {
  for (const std::string text : {"", "{", "[1,]", "{\"a\":1} x", "nul", "\"\xFF\"", "01"}) {
    CAPTURE(text);
    CHECK_FALSE(JsonValue::parse(text));
  }
  CHECK_FALSE(JsonValue::parse(std::string("1\0", 2)));
  CHECK_FALSE(JsonValue::parse(std::string(100, '[') + std::string(100, ']')));
  CHECK(JsonValue::parse(std::string(50, '[') + std::string(50, ']')));
}
