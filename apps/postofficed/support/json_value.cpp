#include "support/json_value.hpp"

#include <rapidjson/reader.h>

#include <charconv>
#include <cstdlib>

namespace postofficed {

/// Builds values from what the reader finds. Numbers stay text: the reader's own conversion has had
/// its faults.
class JsonTree : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonTree> {
 public:
  JsonTree() { open_.push_back(&root_); }

  // NOLINTBEGIN(readability-identifier-naming): the names are the reader's
  bool Null() { return put(JsonValue::Kind::null, {}); }
  bool Bool(bool value) { return put(JsonValue::Kind::flag, value ? "true" : "false"); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return put(JsonValue::Kind::number, {text, size});
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return put(JsonValue::Kind::string, {text, size});
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    open_.back()->members_.emplace_back(std::string(text, size), JsonValue());
    return true;
  }
  bool StartObject() { return begin(JsonValue::Kind::object); }
  bool StartArray() { return begin(JsonValue::Kind::array); }
  bool EndObject(rapidjson::SizeType) { return end(); }
  bool EndArray(rapidjson::SizeType) { return end(); }
  // NOLINTEND(readability-identifier-naming)

  JsonValue take() { return std::move(root_); }

 private:
  static constexpr std::size_t depth_max = 64;

  /// Where the next value belongs.
  JsonValue& place() {
    JsonValue& parent = *open_.back();
    if (open_.size() == 1) return parent;
    if (parent.kind_ == JsonValue::Kind::object) return parent.members_.back().second;
    return parent.items_.emplace_back();
  }

  bool put(JsonValue::Kind kind, std::string scalar) {
    JsonValue& value = place();
    value.kind_ = kind;
    value.scalar_ = std::move(scalar);
    return true;
  }

  // A value does not move while it is open: its parent gets no other one before it has ended.
  bool begin(JsonValue::Kind kind) {
    JsonValue& value = place();
    value.kind_ = kind;
    open_.push_back(&value);
    return open_.size() <= depth_max;
  }

  bool end() {
    open_.pop_back();
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue*> open_;
};

std::optional<JsonValue> JsonValue::parse(const std::string& text) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag |
                             rapidjson::kParseValidateEncodingFlag |
                             rapidjson::kParseNumbersAsStringsFlag;
  JsonTree tree;
  rapidjson::Reader reader;
  rapidjson::StringStream stream(text.c_str());
  const auto parsed = reader.Parse<flags>(stream, tree);
  if (parsed.IsError() || stream.Tell() != text.size()) return std::nullopt;
  return tree.take();
}

const JsonValue& JsonValue::operator[](std::string_view name) const {
  static const JsonValue null;
  for (const auto& [key, value] : members_) {
    if (key == name) return value;
  }
  return null;
}

std::optional<double> JsonValue::number() const {
  if (kind_ != Kind::number) return std::nullopt;
  return std::strtod(scalar_.c_str(), nullptr);
}

std::optional<std::int64_t> JsonValue::integer() const {
  std::int64_t value = 0;
  const char* const end = scalar_.data() + scalar_.size();
  const auto [stop, error] = std::from_chars(scalar_.data(), end, value);
  if (kind_ != Kind::number || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<bool> JsonValue::flag() const {
  if (kind_ != Kind::flag) return std::nullopt;
  return scalar_ == "true";
}

}  // namespace postofficed
