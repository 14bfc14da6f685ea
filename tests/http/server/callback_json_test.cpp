#include "http/server/callback_json.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using postoffice::ObjectId;
using postoffice::http::CallbackParser;
using postoffice::http::CallbackVerdict;

namespace {

std::vector<ObjectId> ids_of(const CallbackParser& parser) {
  return {parser.ids().begin(), parser.ids().end()};
}

// What parse() says, once the two readers have been seen to agree.
CallbackVerdict verdict(const std::string& body, std::vector<ObjectId>* ids = nullptr,
                        std::string* reason = nullptr) {
  // On the heap and exactly as long, so that the sanitizer sees a read beyond the end.
  const std::vector<char> exact(body.begin(), body.end());
  const std::string_view view(exact.data(), exact.size());
  CallbackParser scanner(20);
  CallbackParser reader(20);
  const auto said = reader.read_any_json(view);
  if (scanner.scan_exact_shape(view)) {
    INFO(body);
    REQUIRE(said == CallbackVerdict::good);
    REQUIRE(ids_of(scanner) == ids_of(reader));
  }
  if (ids != nullptr) *ids = ids_of(reader);
  if (reason != nullptr) *reason = reader.reason();
  return said;
}

std::vector<ObjectId> good(const std::string& body) {
  std::vector<ObjectId> ids;
  INFO(body);
  REQUIRE(verdict(body, &ids) == CallbackVerdict::good);
  return ids;
}

std::string malformed(const std::string& body) {
  std::string reason;
  INFO(body);
  REQUIRE(verdict(body, nullptr, &reason) == CallbackVerdict::malformed);
  return reason;
}

}  // namespace

TEST_CASE("ids are read in order, with any white space, negative, zero and doubled ones included") {
  using Ids = std::vector<ObjectId>;
  CHECK(good(R"({"object_ids":[]})") == Ids{});
  CHECK(good(R"({"object_ids":[1,2,3]})") == Ids{1, 2, 3});
  CHECK(good(" {\n\t\"object_ids\" :\r[ 7 , 7,0 ] } \n") == Ids{7, 7, 0});
  CHECK(good(R"({"object_ids":[-1,-0,12345678,123456789,-9876543210]})") ==
        Ids{-1, 0, 12345678, 123456789, -9876543210});
  CHECK(good(R"({"object_ids":[9223372036854775807,-9223372036854775808]})") ==
        Ids{INT64_MAX, INT64_MIN});
}

TEST_CASE("other keys are ignored, nested down to the depth limit") {
  CHECK(good(R"({"a":{"object_ids":"x"},"object_ids":[5],"b":[1.5,null,"\u00e4"]})").size() == 1);
  CHECK(good(R"({"object\u005fids":[5]})").size() == 1);
  const auto nested = [](int depth) {
    return R"({"object_ids":[5],"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(good(nested(7)).size() == 1);
  CHECK(malformed(nested(8)) == "the JSON is nested too deeply");
  CHECK(malformed(std::string(1'000'000, '[')) == "the JSON is nested too deeply");
}

TEST_CASE("every refusal says what is wrong") {
  CHECK(malformed("") == "the body is empty");
  CHECK(malformed("nonsense").starts_with("the body is not JSON"));
  CHECK(malformed("17") == "the body is not a JSON object");
  CHECK(malformed("null") == "the body is not a JSON object");
  CHECK(malformed("[1]") == "there is no array object_ids");
  CHECK(malformed("{}") == "there is no array object_ids");
  CHECK(malformed(R"({"Object_ids":[1]})") == "there is no array object_ids");
  for (const char* value : {"1", "\"1\"", "null", "true", "{}", "1.0"}) {
    CHECK(malformed(std::string(R"({"object_ids":)") + value + "}") ==
          "object_ids is not an array");
  }
  for (const char* value : {"1.0", "1e3", "\"1\"", "null", "true", "{}", "[]", "-0.0"}) {
    CHECK(malformed(std::string(R"({"object_ids":[4,)") + value + "]}") ==
          "element 1 of object_ids (counted from 0) is not an integer");
  }
  for (const char* value : {"9223372036854775808", "-9223372036854775809", "18446744073709551617",
                            "99999999999999999999999"}) {
    CHECK(malformed(std::string(R"({"object_ids":[)") + value + "]}") ==
          "element 0 of object_ids (counted from 0) does not fit into 64 bits");
  }
  CHECK(malformed(R"({"object_ids":[1],"object_ids":[1]})") == "object_ids occurs twice");
  for (const char* tail : {"x", "{}", ",", "]", "\0"}) {
    const std::string behind = *tail == '\0' ? std::string(1, '\0') : tail;
    CHECK(malformed(R"({"object_ids":[1]})" + behind) ==
          "there is something behind the JSON object");
  }
  for (const char* body :
       {R"({"object_ids":[1,]})", R"({"object_ids":[01]})", R"({"object_ids":[+1]})",
        R"({"object_ids":[1 2]})", R"({"object_ids":[-]})", R"({"object_ids":[1)",
        R"({"object_ids":[--1]})", R"({"object_ids":[0x1]})", R"({"object_ids":[],})",
        R"({object_ids:[]})", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{\"object_ids\":[]}",
        R"({"object_ids":[NaN]})", R"({"object_ids":[]/**/})"}) {
    CHECK(malformed(body).starts_with("the body is not JSON"));
  }
}

TEST_CASE("as many ids as allowed are taken, one more is too many") {
  std::string body = R"({"object_ids":[0)";
  for (int id = 1; id < 20; ++id) body += ',' + std::to_string(id);
  CHECK(good(body + "]}").size() == 20);
  std::string reason;
  CHECK(verdict(body + ",20]}", nullptr, &reason) == CallbackVerdict::too_many);
  CHECK(reason == "object_ids has more than 20 elements");
}

TEST_CASE("both readers give one verdict on random bodies") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const char* variable = std::getenv("POSTOFFICE_FUZZ_BODIES");
  const long bodies = variable != nullptr ? std::atol(variable) : 100'000;
  static const std::string alphabet =
      "0123456789-+.eE,[]{}:\" \n\t\r\\x_oids" + std::string(1, '\0');
  long scanned = 0;
  for (long n = 0; n < bodies; ++n) {
    std::string body = random() % 4 ? R"({"object_ids":[)" : R"( { "object_ids" : [ )";
    const auto count = random() % 22;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i != 0) body += random() % 8 ? "," : " , ";
      body += std::to_string(static_cast<std::int64_t>(random()) >> random() % 64);
    }
    body += "]}";
    for (auto changes = random() % 4; changes > 1; --changes) {
      const auto at = random() % body.size();
      const char byte = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0: body[at] = byte; break;
        case 1: body.insert(at, 1, byte); break;
        default: body.erase(at, 1); break;
      }
    }
    CallbackParser parser(20);
    scanned += parser.scan_exact_shape(body) ? 1 : 0;
    verdict(body);
  }
  CHECK(scanned > bodies / 4);  // otherwise nothing was compared
}
