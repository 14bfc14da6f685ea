#include "postgres/array_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace postoffice::postgres {
namespace {

// 2000-01-01 in Unix time, where PostgreSQL's count begins.
constexpr std::int64_t postgres_epoch = 946'684'800'000'000;

// 4713-11-24 BC and the end of the year 294276, in PostgreSQL's count.
constexpr std::int64_t first_timestamp = -211'813'488'000'000'000;
constexpr std::int64_t last_timestamp = 9'223'371'331'199'999'999;

template <typename Value>
Value swapped(Value value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(Value) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(Value) == 8) return __builtin_bswap64(value);
}

std::size_t element_size(TypeId type) {
  switch (type) {
    case TypeId::boolean: return 1;
    case TypeId::int4: return 4;
    case TypeId::int8:
    case TypeId::timestamptz: return 8;
    case TypeId::text: return 32;
  }
  return 0;
}

}  // namespace

std::int64_t to_postgres(Timestamp time) {
  const std::int64_t unix_time = time.time_since_epoch().count();
  if (unix_time < first_timestamp + postgres_epoch) return first_timestamp;
  return std::min(unix_time - postgres_epoch, last_timestamp);
}

Timestamp from_postgres(std::int64_t microseconds) {
  const std::int64_t latest = INT64_MAX - postgres_epoch;
  return Timestamp(Duration(std::min(microseconds, latest) + postgres_epoch));
}

void append_int32(std::string& bytes, std::uint32_t value) {
  const std::uint32_t network = swapped(value);
  bytes.append(reinterpret_cast<const char*>(&network), sizeof network);
}

void append_int64(std::string& bytes, std::uint64_t value) {
  const std::uint64_t network = swapped(value);
  bytes.append(reinterpret_cast<const char*>(&network), sizeof network);
}

std::uint32_t read_int32(const char* bytes) {
  std::uint32_t network;
  std::memcpy(&network, bytes, sizeof network);
  return swapped(network);
}

std::uint64_t read_int64(const char* bytes) {
  std::uint64_t network;
  std::memcpy(&network, bytes, sizeof network);
  return swapped(network);
}

ArrayWriter::ArrayWriter(TypeId type, std::size_t count) {
  constexpr std::size_t header = 20;
  constexpr std::size_t length = 4;
  bytes_.reserve(header + count * (length + element_size(type)));
  append_int32(bytes_, count == 0 ? 0 : 1);  // dimensions
  append_int32(bytes_, 0);                   // no nulls
  append_int32(bytes_, static_cast<std::uint32_t>(type));
  if (count == 0) return;
  append_int32(bytes_, static_cast<std::uint32_t>(count));
  append_int32(bytes_, 1);  // index of the first element
}

void ArrayWriter::add_boolean(bool value) {
  append_int32(bytes_, 1);
  bytes_.push_back(value ? 1 : 0);
}

void ArrayWriter::add_int4(std::int32_t value) {
  append_int32(bytes_, 4);
  append_int32(bytes_, static_cast<std::uint32_t>(value));
}

void ArrayWriter::add_int8(std::int64_t value) {
  char element[12];
  const std::uint32_t length = swapped(std::uint32_t{8});
  const std::uint64_t network = swapped(static_cast<std::uint64_t>(value));
  std::memcpy(element, &length, sizeof length);
  std::memcpy(element + sizeof length, &network, sizeof network);
  bytes_.append(element, sizeof element);
}

void ArrayWriter::add_text(std::string_view value) {
  append_int32(bytes_, static_cast<std::uint32_t>(value.size()));
  bytes_.append(value);
}

}  // namespace postoffice::postgres
