// Which dead letters a request is about, and parameters that make no sense.
#include "admin/letter_request.hpp"

#include <doctest/doctest.h>

#include "admin/parameters.hpp"
#include "support/json.hpp"
#include "support/json_value.hpp"

using namespace postofficed;
using namespace std::chrono_literals;
using Ids = std::vector<postoffice::ObjectId>;

TEST_CASE("the query of a list names its filters") {
  const auto none = read_letter_query("");
  REQUIRE(none);
  CHECK_FALSE(none->ids);
  CHECK(none->limit == 100);
  const auto all = read_letter_query("reason=no+answer&since=30s&id=1,-2&after=-7&limit=1000");
  REQUIRE(all);
  CHECK(all->reason == "no answer");
  CHECK(all->within == 30s);
  CHECK(all->ids == Ids{1, -2});
  CHECK(all->after == -7);
  CHECK(all->limit == 1000);
  const auto query = all->query(postoffice::Timestamp(100s));
  CHECK(query.failed_since == postoffice::Timestamp(70s));
  CHECK(query.ids == Ids{1, -2});
}

TEST_CASE("what a list does not have is refused by name") {
  for (const char* query :
       {"reasn=x", "since=30", "since=x", "id=", "id=1,", "id=1,x", "after=x", "limit=0",
        "limit=1001", "limit=-1", "id=1&id=2", "reason=%00", "reason=%FF", "all=true"}) {
    CAPTURE(query);
    CHECK_FALSE(read_letter_query(query));
  }
  CHECK(read_letter_query("reasn=x").error().message ==
        "there is no parameter \"reasn\"; there are reason, since, id, after, limit");
}

TEST_CASE("the body of a change names its filters, or that none is meant") {
  const auto some = read_letter_body(
      R"({"ids":[1,"-9223372036854775808"],"reason":"HTTP","since_seconds":0.5,"dry_run":true})");
  REQUIRE(some);
  CHECK(some->ids == Ids{1, INT64_MIN});
  CHECK(some->reason == "HTTP");
  CHECK(some->within == 500ms);
  CHECK(some->dry_run);
  CHECK(some->limit == letters_in_request_max);
  CHECK(read_letter_body(R"({"ids":[]})")->ids == Ids{});
  CHECK(read_letter_body(R"({"all":true,"after":"5","limit":7})")->after == 5);
  CHECK(read_letter_body(R"({"all":true,"after":null})"));
}

TEST_CASE("a change that may mean everything by mistake is refused") {
  for (const char* body : {"",
                           "[]",
                           "{",
                           "{}",
                           R"({"dry_run":true})",
                           R"({"all":false})",
                           R"({"reason":""})",
                           R"({"all":true,"ids":[1]})",
                           R"({"id":[1]})",
                           R"({"ids":1})",
                           R"({"ids":[1.5]})",
                           R"({"ids":["x"]})",
                           R"({"ids":[9223372036854775808]})",
                           R"({"reason":1})",
                           R"({"since_seconds":0})",
                           R"({"since_seconds":-1})",
                           R"({"since_seconds":"1"})",
                           R"({"since_seconds":1e999})",
                           R"({"all":true,"limit":0})",
                           R"({"all":true,"limit":10001})",
                           R"({"all":1})",
                           R"({"all":true,"dry_run":"yes"})",
                           R"({"all":true,"after":1.5})",
                           R"({"reason":"\u0000"})",
                           R"({"all":true} x)"}) {
    CAPTURE(body);
    CHECK_FALSE(read_letter_body(body));
  }
  std::string many = "{\"ids\":[0";
  for (std::size_t i = 0; i < letters_in_request_max; ++i) many += ",1";
  CHECK_FALSE(read_letter_body(many + "]}"));
}

TEST_CASE("a body that was written is read as it was meant") {
  LetterRequest request;
  request.ids = Ids{3, INT64_MAX};
  request.reason = "it's \"so\"";
  request.within = 1500ms;
  request.after = -4;
  request.dry_run = true;
  const auto read = read_letter_body(write_letter_body(request));
  REQUIRE(read);
  CHECK(read->ids == request.ids);
  CHECK(read->reason == request.reason);
  CHECK(read->within == request.within);
  CHECK(read->after == request.after);
  CHECK(read->dry_run);
  LetterRequest all;
  all.all = true;
  CHECK(read_letter_body(write_letter_body(all))->all);
}

TEST_CASE("parameters: unknown and repeated ones are refused with the names there are") {
  CHECK(Parameters::read("a=1&b=%20", {"a", "b"})->get("b") == " ");
  CHECK(Parameters::read("", {"a"}));
  CHECK(Parameters::read("&&a", {"a"})->get("a") == "");
  CHECK(Parameters::read("c=1", {"a", "b"}).error().message ==
        "there is no parameter \"c\"; there are a, b");
  CHECK_FALSE(Parameters::read("a=1&a=1", {"a"}));
  CHECK_FALSE(Parameters::read("A=1", {"a"}));
}

TEST_CASE("an id is a number only where browsers read it right") {
  const auto text = [](postoffice::ObjectId id) {
    Json json;
    json.begin_object().id("id", id).id_text("id_text", id).end_object();
    return json.text();
  };
  CHECK(text(-5) == R"({"id":-5,"id_text":"-5"})");
  CHECK(text(9007199254740991) == R"({"id":9007199254740991,"id_text":"9007199254740991"})");
  CHECK(text(9007199254740992) == R"({"id":"9007199254740992","id_text":"9007199254740992"})");
  CHECK(text(INT64_MIN) == R"({"id":"-9223372036854775808","id_text":"-9223372036854775808"})");
}
