// PostgreSQL's binary format of parameters: arrays and single values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "postoffice/types.hpp"

namespace postoffice::postgres {

/// The type numbers that every server has (catalog pg_type).
enum class TypeId : std::uint32_t {
  boolean = 16,
  int8 = 20,
  int4 = 23,
  text = 25,
  timestamptz = 1184,
};

/// PostgreSQL's '-infinity': before every time.
inline constexpr std::int64_t minus_infinity = INT64_MIN;

/// Microseconds since 2000-01-01, clamped to what a timestamptz can hold.
std::int64_t to_postgres(Timestamp time);
Timestamp from_postgres(std::int64_t microseconds);

/// Appends values in network byte order.
void append_int32(std::string& bytes, std::uint32_t value);
void append_int64(std::string& bytes, std::uint64_t value);

/// Reads what the server sent; `bytes` must be long enough.
std::uint32_t read_int32(const char* bytes);
std::uint64_t read_int64(const char* bytes);

/// Writes a one-dimensional array without nulls. Exactly `count` elements must be added.
class ArrayWriter {
 public:
  ArrayWriter(TypeId type, std::size_t count);

  void add_boolean(bool value);
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_timestamp(Timestamp value) { add_int8(to_postgres(value)); }
  void add_text(std::string_view value);

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace postoffice::postgres
