#include "http/client/object_answer.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "postoffice/error.hpp"

using postoffice::Error;
using postoffice::http::parse_object_answer;
using postoffice::http::Refusal;

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

TEST_CASE("anything but one id and one online is a bad answer") {
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

TEST_CASE("other keys are skipped by grammar alone") {
  const std::string many_digits(400, '7');
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  const std::vector<std::string> others{"1e309",
                                        "-1e309",
                                        "0e99999999999",
                                        "1E+99999999999999999999",
                                        many_digits,
                                        "0." + many_digits + "e-" + many_digits,
                                        R"("\ud800")",
                                        R"("\udc00\ud800x")",
                                        R"({"\udfff":"\u0000"})",
                                        deep,
                                        R"([{"id":9,"online":[]},{},[[]],"",-0,null])",
                                        "\"\xf0\x9f\x93\xae\""};
  for (const std::string& other : others) {
    CAPTURE(other);
    for (const std::string& body : {"{\"x\":" + other + ",\"id\":1,\"online\":true}",
                                    "{\"id\":1,\"online\":true , \"x\" : " + other + "}\n",
                                    "{\"id\":1,\"\\ud800\":" + other + ",\"\\u006fnline\":true}"}) {
      const auto answer = parse_object_answer(body, 1);
      CHECK_FALSE(answer.error);
      CHECK(answer.online);
    }
  }
}

TEST_CASE("what the grammar does not allow is refused under other keys, too") {
  for (const char* other : {"01",
                            "1.",
                            ".5",
                            "+1",
                            "1e",
                            "-",
                            "- 1",
                            "NaN",
                            "tru",
                            "truex",
                            "'x'",
                            "\"\t\"",
                            "\"\\x\"",
                            "\"\\u12g4\"",
                            "\"\\u12\"",
                            "\"open",
                            "[1,]",
                            "[1 2]",
                            "{\"a\"}",
                            "{\"a\":}",
                            "{a:1}",
                            "{\"a\":1,}",
                            "[}",
                            "{]",
                            "\"\xc0\x80\"",
                            "\"\xed\xa0\x80\"",
                            "\"\xf4\x90\x80\x80\"",
                            "\"\xe2\x82\"",
                            "\"\x80\"",
                            ""}) {
    CAPTURE(other);
    const std::string body = std::string("{\"id\":1,\"x\":") + other + ",\"online\":true}";
    const auto answer = parse_object_answer(body, 1);
    CHECK(answer.error == Error::bad_answer);
    CHECK(answer.refusal == Refusal::json);
  }
}

TEST_CASE("deep nesting is refused without deep recursion") {
  const std::string deep(1'000'000, '[');
  const auto answer = parse_object_answer("{\"x\":" + deep, 1);
  CHECK(answer.error == Error::bad_answer);
  CHECK(answer.refusal == Refusal::depth);
}

TEST_CASE("each kind of fault has its name") {
  const auto refusal = [](std::string_view body) { return parse_object_answer(body, 1).refusal; };
  CHECK(refusal(R"({"id":1,"online":true})") == Refusal::none);
  CHECK(refusal(R"({"id":2,"online":true})") == Refusal::another_id);
  CHECK(refusal("<html>") == Refusal::json);
  CHECK(refusal("[]") == Refusal::json);
  CHECK(refusal(R"({"id":1})") == Refusal::keys);
  CHECK(refusal(R"({"id":"1","online":true})") == Refusal::types);
  CHECK(refusal(R"({"id":1,"online":"true"})") == Refusal::types);
}
