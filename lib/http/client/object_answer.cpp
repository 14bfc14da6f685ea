#include "http/client/object_answer.hpp"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <array>
#include <charconv>
#include <string>

#include "planted_bug.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {
namespace {

constexpr int depth_max = 16;

/// Takes the parser's events; returning false ends the parse.
class AnswerHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, AnswerHandler> {
 public:
  bool Null() { return other_value(); }
  bool String(const char*, rapidjson::SizeType, bool) { return other_value(); }

  bool Bool(bool value) {
    if (expecting_ != Key::online) return other_value();
    online = value;
    expecting_ = Key::other;
    return true;
  }

  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    if (expecting_ != Key::id) return other_value();
    const auto result = std::from_chars(text, text + length, id);
    if (result.ec != std::errc() || result.ptr != text + length) return fail("id is not an int64");
    expecting_ = Key::other;
    return true;
  }

  bool Key(const char* text, rapidjson::SizeType length, bool) {
    if (depth_ != 1) return true;
    const std::string_view name(text, length);
    if (name == "id") return expect(Key::id, id_seen, "two keys named id");
    if (name == "online") return expect(Key::online, online_seen, "two keys named online");
    return true;
  }

  bool StartObject() { return descend(); }
  bool EndObject(rapidjson::SizeType) { return ascend(); }
  bool StartArray() { return depth_ == 0 ? fail("not an object") : descend(); }
  bool EndArray(rapidjson::SizeType) { return ascend(); }

  ObjectId id = 0;
  bool online = false;
  bool id_seen = false;
  bool online_seen = false;
  const char* problem = nullptr;

 private:
  enum class Key { other, id, online };

  bool fail(const char* why) {
    problem = why;
    return false;
  }

  bool expect(enum Key key, bool& seen, const char* twice) {
    if (seen) return fail(twice);
    seen = true;
    expecting_ = key;
    return true;
  }

  bool other_value() {
    if (depth_ == 0) return fail("not an object");
    if (expecting_ == Key::id) return fail("id is not an int64");
    if (expecting_ == Key::online) return fail("online is not true or false");
    return true;
  }

  bool descend() {
    if (depth_ > 0 && !other_value()) return false;
    return ++depth_ <= depth_max || fail("nested too deeply");
  }

  bool ascend() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  enum Key expecting_ = Key::other;
};

FetchResult bad_answer(std::string reason) {
  FetchResult result;
  result.error = Error::bad_answer;
  result.reason = "the answer is malformed: " + std::move(reason);
  return result;
}

/// Takes {"id":<asked>,"online":…} without white space, as nearly all sources write it.
bool take_exact_answer(std::string_view body, ObjectId asked, FetchResult& result) {
  constexpr std::string_view before = "{\"id\":";
  constexpr std::string_view between = ",\"online\":";
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), asked).ptr;
  const std::string_view id(digits.data(), static_cast<std::size_t>(end - digits.data()));
  if (!body.starts_with(before)) return false;
  body.remove_prefix(before.size());
  if (!body.starts_with(id)) return false;
  body.remove_prefix(id.size());
  if (!body.starts_with(between)) return false;
  body.remove_prefix(between.size());
  if (body.ends_with('\n')) body.remove_suffix(1);
  if (body != "true}" && body != "false}") return false;
  result.id = asked;
  result.online = body == "true}";
  return true;
}

}  // namespace

FetchResult parse_object_answer(std::string_view body, ObjectId asked) {
  FetchResult result;
  if (take_exact_answer(body, asked, result)) return result;
  // Recursion and number conversion of older RapidJSON releases are not safe on foreign input.
  constexpr unsigned flags = rapidjson::kParseIterativeFlag |
                             rapidjson::kParseValidateEncodingFlag |
                             rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(body.data(), body.size());
  rapidjson::Reader reader;
  AnswerHandler handler;
  const bool parsed = !reader.Parse<flags>(stream, handler).IsError();
  if (handler.problem) return bad_answer(handler.problem);
  // The parser takes a NUL byte for the end of its input.
  if (!parsed || stream.Tell() != body.size()) return bad_answer("not JSON");
  if (!handler.id_seen) return bad_answer("no id");
  if (!handler.online_seen) return bad_answer("no online");

  result.id = handler.id;
  result.online = handler.online;
  if (handler.id != asked && !planted(PlantedBug::http_answer_about_another_id)) {
    result.error = Error::bad_answer;
    result.reason = "the answer is about id " + std::to_string(handler.id);
  }
  return result;
}

}  // namespace postoffice::http
