// Integers as bytes, in either order, wherever they lie.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

namespace postoffice {

/// The lowest byte first, as our own formats have it.
template <std::unsigned_integral Value>
void put_little_endian(std::span<std::byte> out, std::size_t offset, Value value) {
  for (std::size_t i = 0; i < sizeof value; ++i, value = static_cast<Value>(value >> 4 >> 4)) {
    out[offset + i] = static_cast<std::byte>(value & 0xff);
  }
}

template <std::unsigned_integral Value>
Value get_little_endian(std::span<const std::byte> bytes, std::size_t offset) {
  Value value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) {
    value = static_cast<Value>(value << 4 << 4 | std::to_integer<Value>(bytes[offset + i]));
  }
  return value;
}

/// The highest byte first, as most network protocols have it.
template <std::unsigned_integral Value>
void put_big_endian(std::span<std::byte> out, std::size_t offset, Value value) {
  for (std::size_t i = sizeof value; i-- > 0; value = static_cast<Value>(value >> 4 >> 4)) {
    out[offset + i] = static_cast<std::byte>(value & 0xff);
  }
}

template <std::unsigned_integral Value>
Value get_big_endian(std::span<const std::byte> bytes, std::size_t offset) {
  Value value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Value>(value << 4 << 4 | std::to_integer<Value>(bytes[offset + i]));
  }
  return value;
}

}  // namespace postoffice
