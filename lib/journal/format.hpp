// The bytes of docs/queue_format.md: layouts, and what turns them into values and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "postoffice/types.hpp"

namespace postoffice::journal {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t format_version = 2;
constexpr std::uint64_t block_size = 4096;  ///< of the header and of a batch's alignment
constexpr std::uint64_t record_alignment = 8;
constexpr std::size_t segment_header_size = 88;
constexpr std::size_t second_header_offset = 2048;
constexpr std::size_t batch_header_size = 32;
constexpr std::size_t record_header_size = 24;
constexpr std::size_t payload_size_max = 0xFFFFFF;
constexpr std::size_t cursor_size = 64;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

struct SegmentHeader {
  std::uint64_t queue = 0;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  Sequence first_sequence = 0;
  std::uint64_t previous_number = 0;
  Sequence previous_last = 0;
  std::uint64_t previous_end = 0;
  Timestamp newest{};
  std::uint32_t seed = 0;
  bool fresh = false;  ///< the file was all zeros when the segment began

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

struct BatchHeader {
  std::uint32_t bytes = 0;
  std::uint32_t count = 0;
  Sequence first_sequence = 0;
  Sequence durable_upto = 0;

  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

enum class RecordType : std::uint8_t { callback = 1, requeued = 2 };

struct RecordHeader {
  std::uint32_t payload_size = 0;
  RecordType type = RecordType::callback;
  std::uint32_t payload_checksum = 0;
  std::uint32_t relative_sequence = 0;  ///< to the segment's first
  Timestamp received_at{};

  /// The size of the record, including padding.
  std::uint64_t size() const {
    return record_header_size + round_up(payload_size, record_alignment);
  }
  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

struct Cursor {
  std::uint64_t queue = 0;
  std::uint64_t epoch = 0;
  Sequence acknowledged = 0;
  Sequence last_durable = 0;
  Timestamp newest{};
  std::uint64_t next_number = 0;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// No two segments of a queue have the same seed, so a record that an earlier use left in a
/// recycled file is never taken for a record of this one.
std::uint32_t segment_seed(std::uint64_t queue, std::uint64_t number);

/// The encoders need room for the whole structure; a segment header for its block.
void encode(const SegmentHeader& header, std::span<std::byte> block);
void encode(const BatchHeader& header, std::uint32_t seed, std::span<std::byte> out);
void encode(const RecordHeader& header, std::uint32_t seed, std::span<std::byte> out);
void encode(const Cursor& cursor, std::span<std::byte> out);

/// Nothing if the bytes are not valid; the structures' own checksums are verified.
std::optional<SegmentHeader> decode_segment_header(Bytes block);
std::optional<BatchHeader> decode_batch_header(Bytes bytes, std::uint32_t seed);
std::optional<RecordHeader> decode_record_header(Bytes bytes, std::uint32_t seed);
std::optional<Cursor> decode_cursor(Bytes bytes);

/// A valid header or cursor, but of a version that this code does not know.
bool is_other_version(Bytes bytes);

/// `0000000000000012.journal`; and back: nothing if it is not a segment's name.
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> parse_segment_name(const std::string& name);

}  // namespace postoffice::journal
