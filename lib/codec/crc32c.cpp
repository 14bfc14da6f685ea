#include "codec/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace postoffice::codec {
namespace {

static_assert(std::endian::native == std::endian::little, "the tables assume little-endian words");

using Table = std::array<std::uint32_t, 256>;

/// Table k gives the effect of a byte that k more bytes follow, so eight bytes are processed at
/// once.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78u : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> tables = make_tables();

std::uint64_t load_word(const std::byte* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> data, std::uint32_t before) noexcept {
  std::uint32_t state = ~before;
  const std::byte* at = data.data();
  std::size_t left = data.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = load_word(at) ^ state;
    std::uint32_t next = 0;
    for (std::size_t k = 8; k-- > 0; word >>= 8) next ^= tables[k][word & 0xff];
    state = next;
  }
  for (; left > 0; --left, ++at) {
    state = (state >> 8) ^ tables[0][(state ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  }
  return ~state;
}

#if defined(__x86_64__)

bool has_crc32c_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) std::uint32_t crc32c_instruction(std::span<const std::byte> data,
                                                                   std::uint32_t before) noexcept {
  std::uint64_t state = ~before;
  const std::byte* at = data.data();
  std::size_t left = data.size();
  for (; left >= 8; left -= 8, at += 8) state = _mm_crc32_u64(state, load_word(at));
  auto narrow = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, std::to_integer<unsigned char>(*at));
  return ~narrow;
}

#else

bool has_crc32c_instruction() noexcept { return false; }

std::uint32_t crc32c_instruction(std::span<const std::byte> data, std::uint32_t before) noexcept {
  return crc32c_portable(data, before);
}

#endif

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t before) noexcept {
  static const bool instruction = has_crc32c_instruction();
  return instruction ? crc32c_instruction(data, before) : crc32c_portable(data, before);
}

}  // namespace postoffice::codec
