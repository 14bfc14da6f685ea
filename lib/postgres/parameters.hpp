// Converts single values to binary parameters, and from results.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <string>

#include "postgres/array_writer.hpp"
#include "postoffice/types.hpp"

namespace postoffice::postgres {

inline std::string timestamp(Timestamp time) {
  std::string bytes;
  append_int64(bytes, static_cast<std::uint64_t>(to_postgres(time)));
  return bytes;
}

inline std::string interval(Duration span) {
  std::string bytes;
  append_int64(bytes, static_cast<std::uint64_t>(span.count()));
  append_int64(bytes, 0);  // days, months
  return bytes;
}

inline std::string int8(std::int64_t value) {
  std::string bytes;
  append_int64(bytes, static_cast<std::uint64_t>(value));
  return bytes;
}

inline std::string int4(int value) {
  std::string bytes;
  append_int32(bytes, static_cast<std::uint32_t>(value));
  return bytes;
}

inline std::string boolean(bool value) { return std::string(1, value ? '\1' : '\0'); }

inline std::int64_t int8_at(const PGresult& result, int row, int column) {
  return static_cast<std::int64_t>(read_int64(PQgetvalue(&result, row, column)));
}

inline Timestamp time_at(const PGresult& result, int row, int column) {
  return from_postgres(int8_at(result, row, column));
}

inline bool boolean_at(const PGresult& result, int row, int column) {
  return *PQgetvalue(&result, row, column) != 0;
}

inline std::string text_at(const PGresult& result, int row, int column) {
  return {PQgetvalue(&result, row, column),
          static_cast<std::size_t>(PQgetlength(&result, row, column))};
}

}  // namespace postoffice::postgres
