#include "http/client/object_answer.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "http/json_walk.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {
namespace {

/// Collects the relevant values of an answer during the walk. Its first error is reported only
/// after the whole text was found to be JSON.
class AnswerEvents {
 public:
  bool key(std::string_view text) {
    if (depth_ != 1) return true;
    awaited_ = means(text, "id") ? Key::id : means(text, "online") ? Key::online : Key::other;
    if (awaited_ == Key::id && std::exchange(id_seen_, true)) {
      fail(Refusal::keys, "two keys named id");
    }
    if (awaited_ == Key::online && std::exchange(online_seen_, true)) {
      fail(Refusal::keys, "two keys named online");
    }
    return true;
  }

  bool literal(std::string_view word) {
    if (begin_value() != Key::online) return mismatch();
    online = word == "true";
    if (word == "null") fail_type(Key::online);
    return true;
  }

  bool number(std::string_view text) {
    if (begin_value() != Key::id) return mismatch();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size()) fail_type(Key::id);
    return true;
  }

  bool string(std::string_view) { return begin_value(), mismatch(); }
  bool begin_array() { return begin(); }
  bool begin_object() { return depth_ == 0 ? (++depth_, true) : begin(); }
  bool end_array() { return --depth_, true; }
  bool end_object() { return --depth_, true; }

  /// Call it after a successful walk.
  void finish() {
    if (!id_seen_) fail(Refusal::keys, "no id");
    if (!online_seen_) fail(Refusal::keys, "no online");
  }

  void fail(Refusal why, const char* words) {
    if (problem) return;
    refusal = why;
    problem = words;
  }

  ObjectId id = 0;
  bool online = false;
  Refusal refusal = Refusal::none;
  const char* problem = nullptr;

 private:
  enum class Key { none, id, online, other };

  // Which key a value at the top level belongs to; `value_key_` keeps it for mismatch().
  Key begin_value() {
    return value_key_ = depth_ == 1 ? awaited_ : depth_ == 0 ? Key::none : Key::other;
  }

  bool mismatch() {
    if (value_key_ == Key::none) fail(Refusal::json, "not an object");
    fail_type(value_key_);
    return true;
  }

  void fail_type(Key key) {
    if (key == Key::id) fail(Refusal::types, "id is not an int64");
    if (key == Key::online) fail(Refusal::types, "online is not true or false");
  }

  bool begin() {
    begin_value();
    mismatch();
    ++depth_;
    return true;
  }

  int depth_ = 0;
  Key awaited_ = Key::none;
  Key value_key_ = Key::none;
  bool id_seen_ = false;
  bool online_seen_ = false;
};

ReadAnswer bad_answer(Refusal refusal, std::string reason) {
  ReadAnswer answer;
  answer.error = Error::bad_answer;
  answer.reason = std::move(reason);
  answer.refusal = refusal;
  return answer;
}

ReadAnswer malformed(Refusal refusal, const char* why) {
  return bad_answer(refusal, std::string("the answer is malformed: ") + why);
}

/// Takes {"id":<asked>,"online":…} without white space, as nearly all sources write it.
bool take_exact_answer(std::string_view body, ObjectId asked, ReadAnswer& answer) {
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
  answer.id = asked;
  answer.online = body == "true}";
  return true;
}

}  // namespace

ReadAnswer parse_object_answer(std::string_view body, ObjectId asked) {
  ReadAnswer answer;
  if (take_exact_answer(body, asked, answer)) return answer;
  AnswerEvents events;
  JsonWalk<AnswerEvents> walk(body, events);
  switch (walk.walk()) {
    case JsonWalk<AnswerEvents>::End::good: events.finish(); break;
    case JsonWalk<AnswerEvents>::End::too_deep:
      return malformed(Refusal::depth, "nested too deeply");
    default: return malformed(Refusal::json, "not JSON");
  }
  if (events.problem) return malformed(events.refusal, events.problem);
  if (events.id != asked) {
    answer = bad_answer(Refusal::another_id, "the answer is about id " + std::to_string(events.id));
  }
  answer.id = events.id;
  answer.online = events.online;
  return answer;
}

}  // namespace postoffice::http
