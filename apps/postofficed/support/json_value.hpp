// Reads JSON that another process wrote, and lacks nothing when a member is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postofficed {

/// A value and all that is in it. What is not there is null, and so is all that is in that: whoever
/// reads `value["queue"]["bytes"].number()` gets a number or none.
class JsonValue {
 public:
  using Member = std::pair<std::string, JsonValue>;

  /// Nothing if the text is not JSON, or nested deeper than anything that a daemon writes.
  static std::optional<JsonValue> parse(const std::string& text);

  bool is_null() const { return kind_ == Kind::null; }
  const JsonValue& operator[](std::string_view name) const;  ///< of an object
  const std::vector<Member>& members() const { return members_; }
  const std::vector<JsonValue>& items() const { return items_; }  ///< of an array

  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_string() const { return kind_ == Kind::string; }

  std::optional<double> number() const;
  /// Of a number without fraction and exponent that an int64 holds.
  std::optional<std::int64_t> integer() const;
  std::optional<bool> flag() const;
  /// Of a string; else empty.
  std::string text() const { return kind_ == Kind::string ? scalar_ : std::string(); }

 private:
  friend class JsonTree;
  enum class Kind { null, flag, number, string, array, object };

  Kind kind_ = Kind::null;
  std::string scalar_;  ///< of a number, too, so that whole numbers of any size stay exact
  std::vector<JsonValue> items_;
  std::vector<Member> members_;
};

}  // namespace postofficed
