#include "http/client/object_answer.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

#include "postoffice/error.hpp"

using postoffice::Error;
using postoffice::http::parse_object_answer;

TEST_CASE("an answer gives the id and whether it is online") {
  const auto answer = parse_object_answer(R"({"id":7,"online":true})", 7);
  CHECK_FALSE(answer.error);
  CHECK(answer.id == 7);
  CHECK(answer.online);
  CHECK_FALSE(parse_object_answer(" {\"online\" : false,\n \"id\":-3}\n", -3).online);
}

TEST_CASE("further keys of an answer are ignored, whatever they hold") {
  const auto answer = parse_object_answer(
      R"({"name":"x","id":1,"tags":[{"id":2,"online":false},null,1e99],"online":true,"n":1.5})", 1);
  CHECK_FALSE(answer.error);
  CHECK(answer.id == 1);
  CHECK(answer.online);
}

TEST_CASE("the extremes of int64 are ids like any other") {
  for (const auto id :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    const auto answer =
        parse_object_answer("{\"id\":" + std::to_string(id) + ",\"online\":true}", id);
    CHECK_FALSE(answer.error);
    CHECK(answer.id == id);
  }
}

TEST_CASE("an answer about another id is a bad answer that names it") {
  const auto answer = parse_object_answer(R"({"id":7,"online":true})", 8);
  CHECK(answer.error == Error::bad_answer);
  CHECK(answer.reason == "the answer is about id 7");
}

TEST_CASE("whatever is not one id and one online is a bad answer") {
  using namespace std::string_view_literals;
  for (const auto body : {""sv,
                          "null"sv,
                          "1"sv,
                          "true"sv,
                          "\"id\""sv,
                          "[]"sv,
                          "{}"sv,
                          "[{\"id\":1,\"online\":true}]"sv,
                          R"({"id":1})"sv,
                          R"({"online":true})"sv,
                          R"({"id":"1","online":true})"sv,
                          R"({"id":1,"online":"true"})"sv,
                          R"({"id":1,"online":1})"sv,
                          R"({"id":1,"online":null})"sv,
                          R"({"id":null,"online":true})"sv,
                          R"({"id":NaN,"online":true})"sv,
                          R"({"id":Infinity,"online":true})"sv,
                          R"({"id":1.0,"online":true})"sv,
                          R"({"id":1e0,"online":true})"sv,
                          R"({"id":9223372036854775808,"online":true})"sv,
                          R"({"id":01,"online":true})"sv,
                          R"({"id":+1,"online":true})"sv,
                          R"({"id":1,"online":true,"id":1})"sv,
                          R"({"id":1,"online":true,"online":true})"sv,
                          R"({"id":1,"online":true}x)"sv,
                          R"({"id":1,"online":true,})"sv,
                          R"({"id":1,"online":true)"sv,
                          "{\"id\":1,\"online\":true}\0"sv,
                          "{\"id\":1,\"online\":true,\"x\":\"\xff\"}"sv,
                          R"({"id":[1],"online":true})"sv,
                          R"({"id":{},"online":true})"sv,
                          R"({"online":[true],"id":1})"sv}) {
    CAPTURE(body);
    CHECK(parse_object_answer(body, 1).error == Error::bad_answer);
  }
}

TEST_CASE("deep nesting is refused without deep recursion") {
  const std::string deep(1'000'000, '[');
  CHECK(parse_object_answer("{\"x\":" + deep, 1).error == Error::bad_answer);
}
