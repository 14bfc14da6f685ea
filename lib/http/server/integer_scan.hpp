// Decimal integers, eight digits at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

namespace postoffice::http {

/// The value of eight digits, the first one in the lowest byte, each from 0 to 9.
inline std::uint64_t value_of_digits(std::uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  return (((digits & 0x000000ff000000ff) * 0x000f424000000064) +
          (((digits >> 16) & 0x000000ff000000ff) * 0x0000271000000001)) >>
         32;
}

/// Reads an integer of JSON's grammar that fits into 64 bits. Returns the byte after it, or null if
/// there is none at `at`. The caller checks what follows.
inline const char* scan_integer(const char* at, const char* end, std::int64_t& value) {
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  const char* const first = at;
  std::uint64_t magnitude = 0;
  if constexpr (std::endian::native == std::endian::little) {
    if (end - at >= 8) {
      std::uint64_t bytes;
      std::memcpy(&bytes, at, 8);
      // Digits become 0 to 9. Adding 0x76 sets the top bit of every other byte; a carry can only
      // disturb bytes after the first of those.
      bytes ^= 0x3030303030303030;
      const std::uint64_t others = ((bytes + 0x7676767676767676) | bytes) & 0x8080808080808080;
      const int digits = others == 0 ? 8 : std::countr_zero(others) / 8;
      if (digits == 0) return nullptr;
      bytes <<= 64 - 8 * digits;  // leading zeros in place of what is missing
      magnitude = value_of_digits(bytes);
      at += digits;
    }
  }
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (at == first || at - first == 8) {
    for (; at != end && *at >= '0' && *at <= '9'; ++at) {
      if (at - first == 19) return nullptr;  // 19 digits still fit into an unsigned integer
      magnitude = magnitude * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    if (at == first || magnitude > limit + (negative ? 1 : 0)) return nullptr;
  }
  if (*first == '0' && at - first > 1) return nullptr;
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return at;
}

}  // namespace postoffice::http
