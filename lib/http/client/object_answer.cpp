#include "http/client/object_answer.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "http/client/json_scan.hpp"
#include "planted_bug.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {
namespace {

/// The two keys that matter, and the first thing that is wrong.
class AnswerReader {
 public:
  explicit AnswerReader(std::string_view body) : scan_(body) {}

  bool read() {
    if (!scan_.take('{'))
      return scan_.skip_value() && scan_.at_end() ? fail(Refusal::json, "not an object")
                                                  : not_json();
    if (!scan_.take('}')) {
      do {
        if (!member()) return false;
      } while (scan_.take(','));
      if (!scan_.take('}')) return not_json();
    }
    if (!scan_.at_end()) return not_json();
    if (!id_seen_) return fail(Refusal::keys, "no id");
    if (!online_seen_) return fail(Refusal::keys, "no online");
    return true;
  }

  ObjectId id = 0;
  bool online = false;
  Refusal refusal = Refusal::none;
  const char* problem = nullptr;

 private:
  bool fail(Refusal why, const char* words) {
    refusal = why;
    problem = words;
    return false;
  }

  bool not_json() {
    if (scan_.too_deep()) return fail(Refusal::depth, "nested too deeply");
    return fail(Refusal::json, "not JSON");
  }

  bool member() {
    JsonScan::Key key;
    if (!scan_.take_string(&key) || !scan_.take(':')) return not_json();
    if (key == "id") {
      if (std::exchange(id_seen_, true)) return fail(Refusal::keys, "two keys named id");
      return read_id();
    }
    if (key == "online") {
      if (std::exchange(online_seen_, true)) return fail(Refusal::keys, "two keys named online");
      return read_online();
    }
    return scan_.skip_value() || not_json();
  }

  bool read_id() {
    std::string_view token;
    if (!scan_.take_number(token)) return wrong_type("id is not an int64");
    const auto result = std::from_chars(token.data(), token.data() + token.size(), id);
    if (result.ec == std::errc() && result.ptr == token.data() + token.size()) return true;
    return fail(Refusal::types, "id is not an int64");
  }

  bool read_online() {
    online = scan_.next_is('t');
    if (scan_.take_word(online ? "true" : "false")) return true;
    return wrong_type("online is not true or false");
  }

  /// A value that is none at all is worse.
  bool wrong_type(const char* words) {
    return scan_.skip_value() ? fail(Refusal::types, words) : not_json();
  }

  JsonScan scan_;
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
  AnswerReader reader(body);
  if (!reader.read()) {
    return bad_answer(reader.refusal, std::string("the answer is malformed: ") + reader.problem);
  }
  if (reader.id != asked && !planted(PlantedBug::http_answer_about_another_id)) {
    answer = bad_answer(Refusal::another_id, "the answer is about id " + std::to_string(reader.id));
  }
  answer.id = reader.id;
  answer.online = reader.online;
  return answer;
}

}  // namespace postoffice::http
