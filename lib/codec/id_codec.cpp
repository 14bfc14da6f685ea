#include "codec/id_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace postoffice::codec {
namespace {

// Distances are written in exponential Golomb codes (J. Teuhola, "A compression method for
// clustered bit-vectors", Information Processing Letters 7/1978): the low k bits as they are, and
// the rest plus one in Elias's gamma code. That is as many zeros as the number has bits behind its
// leading one, and then the number.

constexpr std::size_t varint_size_max = 10;
constexpr unsigned long_code = 57;  // what fits a word beside up to seven bits that wait in it

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

/// Converts between a word of this machine and one whose highest byte comes first in memory.
std::uint64_t highest_first(std::uint64_t word) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

unsigned width_of(std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }

/// The distance of ids[i] from the id before it, minus one, since no distance is zero.
std::uint64_t distance(std::span<const ObjectId> ids, std::size_t i) {
  return static_cast<std::uint64_t>(ids[i]) - static_cast<std::uint64_t>(ids[i - 1]) - 1;
}

/// The order k that makes the codes shortest, or nearly. Increasing k by one makes the codes of all
/// distances below 2^k one bit longer and those of the others one bit shorter, so the median
/// counts; a few distant ids do not disturb it. A sample of the distances is good enough.
unsigned best_order(std::span<const ObjectId> ids) {
  const std::size_t step = 1 + ids.size() / 32;
  std::array<std::uint32_t, 65> widths{};
  std::uint32_t looked_at = 0;
  for (std::size_t i = 1; i < ids.size(); i += step, ++looked_at) {
    ++widths[width_of(distance(ids, i))];
  }
  std::uint32_t below = widths[0];
  unsigned order = 0;
  while (2 * below < looked_at) below += widths[++order];
  return std::min(order, 63u);
}

/// Bits one after another, the highest of a byte first. Writes up to seven bytes beyond the last.
class BitWriter {
 public:
  explicit BitWriter(std::byte* at) : at_(at) {}

  /// `value` < 2^`width`, and 1 <= `width` <= long_code.
  void put(std::uint64_t value, unsigned width) {
    bits_ = bits_ << width | value;
    waiting_ += width;
    const std::uint64_t word = highest_first(bits_ << (64 - waiting_));
    std::memcpy(at_, &word, sizeof word);
    at_ += waiting_ / 8;
    waiting_ %= 8;
  }

  /// Returns the place behind the last byte, which is padded with zeros.
  std::byte* end() const { return at_ + (waiting_ > 0 ? 1 : 0); }

 private:
  std::byte* at_;
  std::uint64_t bits_ = 0;  // of these, the lowest waiting_ are not in whole bytes yet
  unsigned waiting_ = 0;
};

/// Together, the two parts of a code are distance + 2^k, after as many zeros as the second part has
/// bits.
void put_distance(BitWriter& bits, std::uint64_t distance, unsigned order) {
  const std::uint64_t code = distance + (std::uint64_t{1} << order);
  const unsigned width = 2 * width_of(code | 1) - 1 - order;
  if (code > distance && width <= long_code) return bits.put(code, width);
  // In pieces.
  const auto put = [&](std::uint64_t value, unsigned size) {
    if (size == 0) return;
    if (size > 32) bits.put(value >> 32, size - 32);
    bits.put(value & 0xffff'ffff, std::min(size, 32u));
  };
  const std::uint64_t rest = (distance >> order) + 1;
  put(0, width_of(rest) - 1);
  put(rest, width_of(rest));
  put(distance & ((std::uint64_t{1} << order) - 1), order);
}

/// Reads what a BitWriter wrote. Beyond the end there are zeros.
class BitReader {
 public:
  BitReader(const std::byte* at, const std::byte* end)
      : at_(at), size_(static_cast<std::size_t>(end - at) * 8) {}

  /// The next 64 bits, of which at least long_code are right.
  std::uint64_t peek() const {
    const std::size_t byte = position_ / 8;
    std::uint64_t word = 0;
    if (byte + sizeof word <= size_ / 8) {
      std::memcpy(&word, at_ + byte, sizeof word);
    } else if (byte < size_ / 8) {
      std::memcpy(&word, at_ + byte, size_ / 8 - byte);
    }
    return highest_first(word) << (position_ % 8);
  }
  void skip(unsigned width) { position_ += width; }

  std::uint64_t get(unsigned width) {
    if (width == 0) return 0;
    if (width > 32) {
      const auto high = get(width - 32);
      return high << 32 | get(32);
    }
    const auto value = peek() >> (64 - width);
    skip(width);
    return value;
  }

  bool is_past_end() const { return position_ > size_; }
  /// Whether only the padding of the last byte is left.
  bool is_at_end() const { return !is_past_end() && size_ - position_ < 8 && peek() == 0; }

 private:
  const std::byte* at_;
  std::size_t size_;
  std::size_t position_ = 0;  // in bits
};

/// False if a valid distance of 64 bits does not follow.
bool get_distance(BitReader& bits, unsigned order, std::uint64_t& distance) {
  const std::uint64_t word = bits.peek();
  const auto zeros = static_cast<unsigned>(std::countl_zero(word));
  const unsigned width = 2 * zeros + 1 + order;
  if (width <= long_code) {
    distance = (word >> (64 - width)) - (std::uint64_t{1} << order);
    bits.skip(width);
    return !bits.is_past_end();
  }
  unsigned more = 0;
  while (more < 64 && bits.get(1) == 0) ++more;
  if (more >= 64) return false;
  const std::uint64_t rest = (std::uint64_t{1} << more | bits.get(more)) - 1;
  if (order > 0 && rest >> (64 - order) != 0) return false;
  distance = rest << order | bits.get(order);
  return !bits.is_past_end();
}

}  // namespace

void encode_ids(std::span<const ObjectId> ids, std::vector<std::byte>& out) {
  if (ids.empty()) return;
  constexpr std::size_t code_size_max = 17;  // 129 bits
  const auto begin = out.size();
  out.resize(begin + 2 * varint_size_max + sizeof(std::uint64_t) + ids.size() * code_size_max);
  std::byte* at = put_varint(out.data() + begin, ids.size());
  at = put_varint(at, zigzag(ids[0]));
  if (ids.size() > 1) {
    const unsigned order = best_order(ids);
    *at++ = static_cast<std::byte>(order);
    BitWriter bits(at);
    for (std::size_t i = 1; i < ids.size(); ++i) put_distance(bits, distance(ids, i), order);
    at = bits.end();
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

std::size_t count_ids(std::span<const std::byte> payload) {
  std::uint64_t count = 0;
  get_varint(payload.data(), payload.data() + payload.size(), count);
  return static_cast<std::size_t>(count);
}

bool decode_ids(std::span<const std::byte> payload, std::vector<ObjectId>& out) {
  if (payload.empty()) return true;
  const std::byte* const end = payload.data() + payload.size();
  std::uint64_t count = 0;
  std::uint64_t first = 0;
  const std::byte* at = get_varint(payload.data(), end, count);
  if (at != nullptr) at = get_varint(at, end, first);
  if (at == nullptr || count == 0) return false;
  // Each further id takes at least a bit: so no memory is reserved for ids that cannot be there.
  const auto bits_left = static_cast<std::uint64_t>(end - at) * 8;
  if (count == 1 ? at != end : count - 1 > bits_left) return false;
  const auto before = out.size();
  out.reserve(before + count);
  out.push_back(unzigzag(first));
  if (count == 1) return true;

  const auto order = std::to_integer<unsigned>(*at++);
  BitReader bits(at, end);
  bool sound = order < 64;
  for (std::uint64_t i = 1; sound && i < count; ++i) {
    std::uint64_t distance = 0;
    sound = get_distance(bits, order, distance);
    const auto id = static_cast<ObjectId>(static_cast<std::uint64_t>(out.back()) + distance + 1);
    sound = sound && id > out.back();
    out.push_back(id);
  }
  if (sound && bits.is_at_end()) return true;
  out.resize(before);
  return false;
}

}  // namespace postoffice::codec
