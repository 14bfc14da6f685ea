#include "journal/id_codec.hpp"

#include <algorithm>
#include <cstdint>

namespace postoffice::journal {
namespace {

constexpr std::size_t varint_size_max = 10;

std::byte* put_varint(std::byte* at, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<std::byte>(value | 0x80);
  *at++ = static_cast<std::byte>(value);
  return at;
}

/// Null if there is no complete varint of 64 bits.
const std::byte* get_varint(const std::byte* at, const std::byte* end, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; at != end && shift < 64; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(*at++);
    if (shift == 63 && byte > 1) return nullptr;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

std::uint64_t zigzag(ObjectId id) {
  return (static_cast<std::uint64_t>(id) << 1) ^ static_cast<std::uint64_t>(id >> 63);
}

ObjectId unzigzag(std::uint64_t value) {
  return static_cast<ObjectId>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace

void encode_ids(std::span<const ObjectId> ids, std::vector<std::byte>& out) {
  const auto begin = out.size();
  out.resize(begin + ids.size() * varint_size_max);
  std::byte* at = out.data() + begin;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    at = put_varint(
        at, i == 0 ? zigzag(ids[0])
                   : static_cast<std::uint64_t>(ids[i]) - static_cast<std::uint64_t>(ids[i - 1]));
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

std::size_t count_ids(std::span<const std::byte> payload) {
  return static_cast<std::size_t>(std::count_if(
      payload.begin(), payload.end(), [](std::byte byte) { return byte < std::byte{0x80}; }));
}

bool decode_ids(std::span<const std::byte> payload, std::vector<ObjectId>& out) {
  const auto before = out.size();
  const std::byte* at = payload.data();
  const std::byte* end = at + payload.size();
  ObjectId previous = 0;
  while (at != end) {
    std::uint64_t value = 0;
    at = get_varint(at, end, value);
    const bool first = out.size() == before;
    const auto id = first ? unzigzag(value)
                          : static_cast<ObjectId>(static_cast<std::uint64_t>(previous) + value);
    if (at == nullptr || (!first && id <= previous)) {
      out.resize(before);
      return false;
    }
    out.push_back(previous = id);
  }
  return true;
}

}  // namespace postoffice::journal
