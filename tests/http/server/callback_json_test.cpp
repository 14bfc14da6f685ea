#include "http/server/callback_json.hpp"

#include <doctest/doctest.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "http/json_walk.hpp"
#include "http/server/id_run.hpp"

using postoffice::ObjectId;
using postoffice::http::CallbackParser;
using postoffice::http::CallbackVerdict;

namespace {

std::vector<ObjectId> ids_of(const CallbackParser& parser) {
  return {parser.ids().begin(), parser.ids().end()};
}

// What parse() says, once the two readers have been seen to agree.
CallbackVerdict verdict(const std::string& body, std::vector<ObjectId>* ids = nullptr,
                        std::string* reason = nullptr, std::size_t ids_max = 20) {
  // On the heap and exactly as long, so that the sanitizer sees a read beyond the end.
  const std::vector<char> exact(body.begin(), body.end());
  const std::string_view view(exact.data(), exact.size());
  CallbackParser scanner(ids_max);
  CallbackParser reader(ids_max);
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

TEST_CASE("other keys are ignored, by grammar alone, nested down to the depth limit") {
  CHECK(good(R"({"a":{"object_ids":"x"},"object_ids":[5],"b":[1.5,null,"\u00e4"]})").size() == 1);
  CHECK(good(R"({"object\u005fids":[5]})").size() == 1);
  const auto nested = [](int depth) {
    return R"({"object_ids":[5],"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(good(nested(1'023)).size() == 1);
  CHECK(malformed(nested(1'024)) == "the JSON is nested in more than 1024 levels");
  CHECK(malformed(std::string(1'000'000, '[')) == "the JSON is nested in more than 1024 levels");
  for (const std::string value :
       {"1e309", "-1E+400", "0e99999999999", "1e-99999999999", "0.1e5", R"("\ud83d")",
        R"("\uDE00x")", R"("\udc00\ud800")", R"("\u0000")", R"({"\ud800":1})"}) {
    CHECK(good(R"({"x":)" + value + R"(,"object_ids":[5],"y":)" + value + "}").size() == 1);
  }
  CHECK(good(R"({"x":)" + std::string(400, '9') + R"(,"object_ids":[5]})").size() == 1);
  CHECK(good(R"({"x":-0.)" + std::string(400, '1') + R"(,"object_ids":[5]})").size() == 1);
  CHECK(malformed(R"({"object_ids":[1],"object\u005Fids":[1]})") == "object_ids occurs twice");
  CHECK(malformed(R"({"object_idsx":[1],"object_id":[2],"object\u025fids":[1]})") ==
        "the array object_ids is missing");
}

TEST_CASE("every refusal says what is wrong") {
  CHECK(malformed("") == "the body is empty");
  CHECK(malformed("nonsense").starts_with("the body is not JSON"));
  CHECK(malformed("17") == "the body is not a JSON object");
  CHECK(malformed("null") == "the body is not a JSON object");
  CHECK(malformed("[1]") == "the array object_ids is missing");
  CHECK(malformed("{}") == "the array object_ids is missing");
  CHECK(malformed(R"({"Object_ids":[1]})") == "the array object_ids is missing");
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
    CHECK(malformed(R"({"object_ids":[1]})" + behind) == "there is data after the JSON object");
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

TEST_CASE("as many ids as allowed are accepted, one more is too many") {
  std::string body = R"({"object_ids":[0)";
  for (int id = 1; id < 20; ++id) body += ',' + std::to_string(id);
  CHECK(good(body + "]}").size() == 20);
  std::string reason;
  CHECK(verdict(body + ",20]}", nullptr, &reason) == CallbackVerdict::too_many);
  CHECK(reason == "object_ids has more than 20 elements");
}

namespace {

long number_from(const char* variable, long otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atol(text) : otherwise;
}

/// Bodies that are callbacks, or nearly so: what the two readers must agree about.
class Bodies {
 public:
  explicit Bodies(std::uint64_t seed) : random_(seed) {}

  std::string next() {
    std::string body = pick(4) ? R"({"object_ids":[)" : R"( { "object_ids" : [ )";
    style_ = pick(4);
    // Most are short, for the sake of time; some go over several blocks and chunks of the scanner.
    const auto count = pick(200) ? pick(22) : pick(700);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i != 0) body += separator();
      body += std::to_string(id());
    }
    body += "]}";
    for (auto changes = pick(4); changes > 1; --changes) change(body);
    return body;
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  const char* separator() {
    if (style_ == 0) return pick(8) ? "," : " , ";
    return style_ == 1 ? ", " : ",";
  }

  std::int64_t id() {
    const auto any = static_cast<std::int64_t>(random_()) >> pick(64);
    return style_ == 3 ? any & 0x7fffffff >> pick(31) : any;
  }

  void change(std::string& body) {
    static const std::string alphabet =
        "0123456789-+.eE,[]{}:\" \n\t\r\\x_oids00,, " + std::string(1, '\0');
    const auto at = pick(body.size());
    const char byte = alphabet[pick(alphabet.size())];
    switch (pick(3)) {
      case 0: body[at] = byte; break;
      case 1: body.insert(at, 1, byte); break;
      default: body.erase(at, 1); break;
    }
  }

  std::mt19937_64 random_;
  std::uint64_t style_ = 0;
};

}  // namespace

TEST_CASE("both readers give one verdict on random bodies") {
  const long seed = number_from("POSTOFFICE_TEST_SEED", std::random_device{}());
  const long bodies = number_from("POSTOFFICE_FUZZ_BODIES", 100'000);
  MESSAGE("seed " << seed << ", bodies " << bodies);
  Bodies random(static_cast<std::uint64_t>(seed));
  long scanned = 0;
  for (long n = 0; n < bodies; ++n) {
    const std::string body = random.next();
    const std::size_t ids_max = n % 2 ? 20 : 600;
    CallbackParser parser(ids_max);
    scanned += parser.scan_exact_shape(body) ? 1 : 0;
    verdict(body, nullptr, nullptr, ids_max);
  }
  CHECK(scanned > bodies / 4);  // otherwise nothing was compared
}

namespace {

struct Ignore {
  bool literal(std::string_view) { return true; }
  bool number(std::string_view) { return true; }
  bool string(std::string_view) { return true; }
  bool key(std::string_view) { return true; }
  bool begin_object() { return true; }
  bool end_object() { return true; }
  bool begin_array() { return true; }
  bool end_array() { return true; }
};

// A text that is JSON, or nearly so.
std::string any_text(std::mt19937_64& random) {
  static const std::vector<std::string> parts{"{",
                                              "}",
                                              "[",
                                              "]",
                                              ",",
                                              ":",
                                              "\"a\"",
                                              "\"\"",
                                              "1",
                                              "-0",
                                              "0.5",
                                              "1e5",
                                              "true",
                                              "false",
                                              "null",
                                              " ",
                                              "\"\\n\\u00e4\"",
                                              "\"\xc3\xa4\"",
                                              "\"\xe2\x82\xac\"",
                                              "\"\xf0\x9f\x98\x80\"",
                                              "\\",
                                              "\"",
                                              "\xed\xa0\x80",
                                              "\xc0\x80",
                                              "\xf5",
                                              "\x80",
                                              "0",
                                              "-",
                                              ".",
                                              "e",
                                              "E+",
                                              "\x1f",
                                              "tru"};
  std::string text;
  std::string closing;
  const auto pick = [&](std::size_t below) { return random() % below; };
  for (auto steps = pick(12); steps > 0; --steps) {
    const bool object = !closing.empty() && closing.back() == '}';
    if (object) text += "\"k\":";
    if (pick(3) == 0) {
      text += pick(2) ? "{\"x\":1," : "[2,";
      closing += text[text.size() - 2] == '1' ? '}' : ']';
    } else {
      text += parts[6 + pick(14)] + (closing.empty() ? "" : ",");
    }
  }
  if (!text.empty() && text.back() == ',') text.pop_back();
  text.append(closing.rbegin(), closing.rend());
  for (auto changes = pick(4); changes > 1; --changes) {
    text.insert(pick(text.size() + 1), parts[pick(parts.size())]);
    if (pick(2) != 0) text.erase(pick(text.size()), 1);
  }
  return text;
}

}  // namespace

TEST_CASE("the grammar is the one that RapidJSON reads, but for what it cannot convert") {
  std::mt19937_64 random(std::random_device{}());
  const long texts = number_from("POSTOFFICE_FUZZ_BODIES", 100'000);
  long good = 0;
  for (long n = 0; n < texts; ++n) {
    const std::string text = any_text(random);
    Ignore events;
    const bool ours = postoffice::http::JsonWalk(text, events).walk() ==
                      postoffice::http::JsonWalk<Ignore>::End::good;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    rapidjson::BaseReaderHandler<> ignore;
    const auto theirs =
        reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                     rapidjson::kParseNumbersAsStringsFlag>(stream, ignore);
    if (theirs.Code() == rapidjson::kParseErrorNumberTooBig) continue;
    INFO(text);
    REQUIRE(ours == !theirs.IsError());
    good += ours ? 1 : 0;
  }
  CHECK(good > texts / 10);
}

TEST_CASE("plain ids are scanned, whatever their length, number and place") {
  for (const char* comma : {",", ", "}) {
    for (std::size_t count = 1; count < 700; count += count < 80 ? 1 : 37) {
      for (std::size_t digits = 1; digits <= 18; ++digits) {
        std::string body = R"({"object_ids":[)";
        for (std::size_t i = 0; i < count; ++i) {
          if (i != 0) body += comma;
          body += std::string("987654321987654321").substr(0, 1 + (digits + i % 2) % 18);
        }
        CallbackParser parser(count);
        CHECK(parser.scan_exact_shape(body + "]}"));
        CHECK(verdict(body + "]}", nullptr, nullptr, count) == CallbackVerdict::good);
      }
    }
  }
}

TEST_CASE("the scanner gives up on leading zeros, wherever they are") {
  for (std::size_t at = 0; at < 40; ++at) {
    for (const char* id : {"00", "01", "0123", "00000001", "012345678", "000000000000000001"}) {
      std::string body = R"({"object_ids":[)";
      for (std::size_t i = 0; i < 40; ++i) body += (i == at ? id : "0") + std::string(",");
      CallbackParser parser(50);
      CHECK_FALSE(parser.scan_exact_shape(body + "7]}"));
      CHECK(verdict(body + "7]}", nullptr, nullptr, 50) == CallbackVerdict::malformed);
    }
  }
}

TEST_CASE("every byte has one meaning in the portable scan and in this processor's") {
  using namespace postoffice::http;
  std::array<char, scan_block_size> block;
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t at = 0; at < block.size(); ++at) {
      block.fill(at % 2 ? '5' : ',');
      block[at] = static_cast<char>(byte);
      REQUIRE(scan_masks(block.data()) == scan_masks_portable(block.data()));
      REQUIRE(scan_spaces(block.data()) == scan_spaces_portable(block.data()));
    }
  }
}
