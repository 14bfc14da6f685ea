#include "http/server/callback_json.hpp"

#include <charconv>
#include <utility>

#include "http/json_walk.hpp"
#include "http/server/id_run.hpp"
#include "http/server/integer_scan.hpp"

namespace postoffice::http {
namespace {

constexpr std::string_view ids_key = "object_ids";

// Collects the ids of a body during the walk. Every method returns whether to continue.
class Events {
 public:
  explicit Events(std::span<ObjectId> ids) : ids_(ids) {}

  bool literal(std::string_view) { return value(); }
  bool string(std::string_view) { return value(); }
  bool number(std::string_view text) { return in_ids() ? id(text) : value(); }

  bool key(std::string_view text) {
    is_ids_value_ = depth_ == 1 && means(text, ids_key);
    if (is_ids_value_ && seen_ids_) return fail("object_ids occurs twice");
    return true;
  }

  bool begin_object() {
    if (!value(false)) return false;
    ++depth_;
    return true;
  }

  bool end_object() {
    --depth_;
    return true;
  }

  bool begin_array() {
    if (!is_ids_value_ && !value(false)) return false;
    ++depth_;
    if (std::exchange(is_ids_value_, false)) {
      seen_ids_ = true;
      ids_depth_ = depth_;
    }
    return true;
  }

  bool end_array() {
    if (in_ids()) ids_depth_ = 0;
    --depth_;
    return true;
  }

  bool seen_ids() const { return seen_ids_; }
  bool too_many() const { return too_many_; }
  std::size_t count() const { return count_; }
  const std::string& reason() const { return reason_; }

 private:
  bool in_ids() const { return ids_depth_ != 0 && depth_ == ids_depth_; }

  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }

  bool fail_element(const char* what) {
    return fail("element " + std::to_string(count_) + " of object_ids (counted from 0) " + what);
  }

  // Any value that is not an id; `scalar`: it is not an array or object.
  bool value(bool scalar = true) {
    if (in_ids()) return fail_element("is not an integer");
    if (is_ids_value_) return fail("object_ids is not an array");
    if (depth_ == 0 && scalar) return fail("the body is not a JSON object");
    return true;
  }

  bool id(std::string_view text) {
    if (text.find_first_of(".eE") != std::string_view::npos) {
      return fail_element("is not an integer");
    }
    ObjectId parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc::result_out_of_range) return fail_element("does not fit into 64 bits");
    if (error != std::errc{} || end != text.data() + text.size()) {
      return fail_element("is not an integer");
    }
    if (count_ == ids_.size()) {
      too_many_ = true;
      return fail("object_ids has more than " + std::to_string(ids_.size()) + " elements");
    }
    ids_[count_++] = parsed;
    return true;
  }

  std::span<ObjectId> ids_;
  std::size_t count_ = 0;
  int depth_ = 0;
  int ids_depth_ = 0;          // depth of the elements of object_ids; 0 outside of it
  bool is_ids_value_ = false;  // the last key was the top level's object_ids
  bool seen_ids_ = false;
  bool too_many_ = false;
  std::string reason_;
};

const char* skip_space(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

// Skips `token` and the white space before it; null if it is not there.
const char* expect(const char* at, const char* end, std::string_view token) {
  at = skip_space(at, end);
  if (!std::string_view(at, static_cast<std::size_t>(end - at)).starts_with(token)) return nullptr;
  return at + token.size();
}

}  // namespace

CallbackVerdict CallbackParser::parse(std::string_view body) {
  if (scan_exact_shape(body)) return CallbackVerdict::good;
  return read_any_json(body);
}

bool CallbackParser::scan_exact_shape(std::string_view body) {
  count_ = 0;
  const char* at = body.data();
  const char* const end = at + body.size();
  for (const std::string_view token : {"{", "\"object_ids\"", ":", "["}) {
    if ((at = expect(at, end, token)) == nullptr) return false;
  }
  at = skip_space(at, end);
  std::size_t count = 0;
  if (at != end && *at == ']') {
    ++at;
  } else {
    for (bool more = true; more;) {
      std::size_t run = 0;
      at = scan_id_run(at, end, std::span(ids_).subspan(count), run);
      if (at == nullptr) return false;
      count += run;
      // The last id, or one that the fast path does not read.
      at = skip_space(at, end);
      if (count == ids_.size()) return false;
      if ((at = scan_integer(at, end, ids_[count])) == nullptr) return false;
      ++count;
      at = skip_space(at, end);
      if (at == end || (*at != ',' && *at != ']')) return false;
      more = *at++ == ',';
    }
  }
  if ((at = expect(at, end, "}")) == nullptr || skip_space(at, end) != end) return false;
  count_ = count;
  return true;
}

CallbackVerdict CallbackParser::read_any_json(std::string_view body) {
  count_ = 0;
  Events events(ids_);
  JsonWalk walk(body, events);
  using End = decltype(walk)::End;
  const End end = walk.walk();
  not_json_ = end != End::good && end != End::stopped;
  switch (end) {
    case End::good:
      if (events.seen_ids()) {
        count_ = events.count();
        return CallbackVerdict::good;
      }
      reason_ = "the array object_ids is missing";
      break;
    case End::empty: reason_ = "the body is empty"; break;
    case End::malformed:
      reason_ = "the body is not JSON: error at byte " + std::to_string(walk.offset());
      break;
    case End::too_deep:
      reason_ = "the JSON is nested in more than " + std::to_string(walk.depth_max) + " levels";
      break;
    case End::something_behind: reason_ = "there is data after the JSON object"; break;
    case End::stopped: reason_ = events.reason(); break;
  }
  return events.too_many() ? CallbackVerdict::too_many : CallbackVerdict::malformed;
}

}  // namespace postoffice::http
