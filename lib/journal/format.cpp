#include "journal/format.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/bytes.hpp"
#include "codec/crc32c.hpp"

namespace postoffice::journal {
namespace {

constexpr char segment_magic[] = "POSTJRNL";
constexpr char cursor_magic[] = "POSTCURS";
constexpr std::uint32_t batch_magic = 0x48435442;  // "BTCH"
constexpr std::size_t version_offset = 8;
constexpr std::size_t checksum_offset = 12;
constexpr std::uint32_t fresh_flag = 1;

void put_time(std::span<std::byte> out, std::size_t offset, Timestamp time) {
  put_little_endian(out, offset, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

Timestamp get_time(Bytes bytes, std::size_t offset) {
  return Timestamp(
      Duration(static_cast<std::int64_t>(get_little_endian<std::uint64_t>(bytes, offset))));
}

/// The checksum of a structure that holds it at checksum_offset, where it counts as zero.
std::uint32_t own_checksum(Bytes bytes) {
  constexpr std::byte zero[4] = {};
  auto checksum = codec::crc32c(bytes.first(checksum_offset));
  checksum = codec::crc32c(zero, checksum);
  return codec::crc32c(bytes.subspan(checksum_offset + sizeof zero), checksum);
}

bool has_magic(Bytes bytes, const char* magic) {
  return std::memcmp(bytes.data(), magic, version_offset) == 0;
}

/// Begins a structure; finish() ends it.
void start(std::span<std::byte> out, const char* magic) {
  std::memcpy(out.data(), magic, version_offset);
  put_little_endian(out, version_offset, format_version);
}

void finish(std::span<std::byte> out) {
  put_little_endian(out, checksum_offset, own_checksum(out));
}

bool is_sound(Bytes bytes, const char* magic) {
  return has_magic(bytes, magic) &&
         get_little_endian<std::uint32_t>(bytes, checksum_offset) == own_checksum(bytes);
}

std::optional<SegmentHeader> decode_one_header(Bytes bytes) {
  if (!is_sound(bytes, segment_magic)) return {};
  if (get_little_endian<std::uint32_t>(bytes, version_offset) != format_version) return {};
  SegmentHeader header;
  header.queue = get_little_endian<std::uint64_t>(bytes, 16);
  header.epoch = get_little_endian<std::uint64_t>(bytes, 24);
  header.number = get_little_endian<std::uint64_t>(bytes, 32);
  header.first_sequence = get_little_endian<std::uint64_t>(bytes, 40);
  header.previous_number = get_little_endian<std::uint64_t>(bytes, 48);
  header.previous_last = get_little_endian<std::uint64_t>(bytes, 56);
  header.previous_end = get_little_endian<std::uint64_t>(bytes, 64);
  header.newest = get_time(bytes, 72);
  header.seed = get_little_endian<std::uint32_t>(bytes, 80);
  header.fresh = (get_little_endian<std::uint32_t>(bytes, 84) & fresh_flag) != 0;
  return header;
}

}  // namespace

std::uint32_t segment_seed(std::uint64_t queue, std::uint64_t number) {
  return static_cast<std::uint32_t>(queue) ^ static_cast<std::uint32_t>(number * 2654435761u);
}

void encode(const SegmentHeader& header, std::span<std::byte> block) {
  const auto out = block.first(segment_header_size);
  start(out, segment_magic);
  put_little_endian(out, 16, header.queue);
  put_little_endian(out, 24, header.epoch);
  put_little_endian(out, 32, header.number);
  put_little_endian(out, 40, header.first_sequence);
  put_little_endian(out, 48, header.previous_number);
  put_little_endian(out, 56, header.previous_last);
  put_little_endian(out, 64, header.previous_end);
  put_time(out, 72, header.newest);
  put_little_endian(out, 80, header.seed);
  put_little_endian(out, 84, header.fresh ? fresh_flag : 0u);
  finish(out);
  std::memcpy(block.data() + second_header_offset, out.data(), out.size());
}

std::optional<SegmentHeader> decode_segment_header(Bytes block) {
  if (auto header = decode_one_header(block.first(segment_header_size))) return header;
  return decode_one_header(block.subspan(second_header_offset, segment_header_size));
}

void encode(const BatchHeader& header, std::uint32_t seed, std::span<std::byte> out) {
  put_little_endian(out, 0, batch_magic);
  put_little_endian(out, 8, header.bytes);
  put_little_endian(out, 12, header.count);
  put_little_endian(out, 16, header.first_sequence);
  put_little_endian(out, 24, header.durable_upto);
  put_little_endian(out, 4, codec::crc32c(out.subspan(8, batch_header_size - 8), seed));
}

std::optional<BatchHeader> decode_batch_header(Bytes bytes, std::uint32_t seed) {
  if (get_little_endian<std::uint32_t>(bytes, 0) != batch_magic) return {};
  const auto checksum = codec::crc32c(bytes.subspan(8, batch_header_size - 8), seed);
  if (get_little_endian<std::uint32_t>(bytes, 4) != checksum) return {};
  return BatchHeader{
      get_little_endian<std::uint32_t>(bytes, 8), get_little_endian<std::uint32_t>(bytes, 12),
      get_little_endian<std::uint64_t>(bytes, 16), get_little_endian<std::uint64_t>(bytes, 24)};
}

void encode(const RecordHeader& header, std::uint32_t seed, std::span<std::byte> out) {
  put_little_endian(out, 4, header.payload_size | static_cast<std::uint32_t>(header.type) << 24);
  put_little_endian(out, 8, header.payload_checksum);
  put_little_endian(out, 12, header.relative_sequence);
  put_time(out, 16, header.received_at);
  put_little_endian(out, 0, codec::crc32c(out.subspan(4, record_header_size - 4), seed));
}

std::optional<RecordHeader> decode_record_header(Bytes bytes, std::uint32_t seed) {
  const auto type = std::to_integer<std::uint8_t>(bytes[7]);
  if (type != static_cast<std::uint8_t>(RecordType::callback) &&
      type != static_cast<std::uint8_t>(RecordType::requeued)) {
    return {};
  }
  const auto checksum = codec::crc32c(bytes.subspan(4, record_header_size - 4), seed);
  if (get_little_endian<std::uint32_t>(bytes, 0) != checksum) return {};
  return RecordHeader{get_little_endian<std::uint32_t>(bytes, 4) & 0xFFFFFF,
                      static_cast<RecordType>(type), get_little_endian<std::uint32_t>(bytes, 8),
                      get_little_endian<std::uint32_t>(bytes, 12), get_time(bytes, 16)};
}

void encode(const Cursor& cursor, std::span<std::byte> out) {
  start(out, cursor_magic);
  put_little_endian(out, 16, cursor.queue);
  put_little_endian(out, 24, cursor.epoch);
  put_little_endian(out, 32, cursor.acknowledged);
  put_little_endian(out, 40, cursor.last_durable);
  put_time(out, 48, cursor.newest);
  put_little_endian(out, 56, cursor.next_number);
  finish(out);
}

std::optional<Cursor> decode_cursor(Bytes bytes) {
  if (bytes.size() != cursor_size || !is_sound(bytes, cursor_magic)) return {};
  if (get_little_endian<std::uint32_t>(bytes, version_offset) != format_version) return {};
  return Cursor{get_little_endian<std::uint64_t>(bytes, 16),
                get_little_endian<std::uint64_t>(bytes, 24),
                get_little_endian<std::uint64_t>(bytes, 32),
                get_little_endian<std::uint64_t>(bytes, 40),
                get_time(bytes, 48),
                get_little_endian<std::uint64_t>(bytes, 56)};
}

bool is_other_version(Bytes bytes) {
  const auto other = [](Bytes at, const char* magic) {
    return is_sound(at, magic) &&
           get_little_endian<std::uint32_t>(at, version_offset) != format_version;
  };
  if (bytes.size() == cursor_size) return other(bytes, cursor_magic);
  return bytes.size() >= segment_header_size &&
         other(bytes.first(segment_header_size), segment_magic);
}

std::string segment_name(std::uint64_t number) {
  char name[40];
  std::snprintf(name, sizeof name, "%016llu.journal", static_cast<unsigned long long>(number));
  return name;
}

std::optional<std::uint64_t> parse_segment_name(const std::string& name) {
  const auto dot = name.find('.');
  if (dot < 16 || dot == std::string::npos || name.substr(dot) != ".journal") return {};
  std::uint64_t number = 0;
  const auto end = name.data() + dot;
  const auto parsed = std::from_chars(name.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return {};
  return number;
}

}  // namespace postoffice::journal
