// Writes JSON. Only this and json_value use RapidJSON.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "postoffice/types.hpp"

namespace postofficed {

/// Writes one JSON text, member by member. Bytes that are not UTF-8 are replaced with U+FFFD, so
/// that the result is always valid.
class Json {
 public:
  Json();
  ~Json();
  Json(const Json&) = delete;
  Json& operator=(const Json&) = delete;

  Json& begin_object();
  Json& end_object();
  Json& begin_array();
  Json& end_array();
  Json& key(std::string_view name);

  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(const std::string& text) { return value(std::string_view(text)); }
  Json& value(bool flag);
  Json& value(double number);
  Json& value(std::signed_integral auto number) { return integer(number); }
  Json& value(std::unsigned_integral auto number) { return natural(number); }
  Json& value(postoffice::Timestamp time);
  Json& null();

  template <typename Value>
  Json& member(std::string_view name, const Value& content) {
    key(name);
    return value(content);
  }

  /// An id for programs that keep numbers as doubles, as browsers do: a number where that is exact
  /// (up to 2^53), else text.
  Json& id(std::string_view name, postoffice::ObjectId number);
  /// The same, always as text.
  Json& id_text(std::string_view name, postoffice::ObjectId number) {
    return member(name, std::to_string(number));
  }

  /// The text written. Call it when everything that was begun has been ended.
  std::string text() const;

 private:
  Json& integer(std::int64_t number);
  Json& natural(std::uint64_t number);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// "2026-01-02T03:04:05.678901Z".
std::string rfc3339(postoffice::Timestamp time);

/// `text` with U+FFFD for each byte that is not UTF-8.
std::string mend_utf8(std::string_view text);

}  // namespace postofficed
