// Reads one segment from front to back, and resynchronises after a damaged place.
#pragma once

#include <cassert>
#include <memory>
#include <vector>

#include "journal/file_system.hpp"
#include "journal/format.hpp"

namespace postoffice::journal {

/// A callback as it was found in a segment.
struct ScannedRecord {
  Sequence sequence = 0;
  Timestamp received_at{};
  RecordType type = RecordType::callback;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::size_t ids = 0;  ///< how many
};

/// A stretch of a segment in which nothing valid was found.
struct BadRegion {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Sequence after = 0;  ///< the last good sequence before it, in this segment
};

/// Memory is bounded by a window and the largest record. A place that cannot be read is treated
/// like one that holds zeros.
class SegmentScanner {
 public:
  /// Reads [begin, end) of the segment; `begin` is a multiple of block_size.
  SegmentScanner(std::unique_ptr<File> file, const SegmentHeader& header, std::uint64_t begin,
                 std::uint64_t end);

  /// The next valid record; false at the end. Its ids replace those of the one before; without
  /// `ids` they are counted only.
  bool next(ScannedRecord& record, std::vector<ObjectId>* ids);

  /// More of the segment has become valid: next() continues.
  void extend(std::uint64_t end) {
    assert(end >= end_);
    end_ = end;
  }

  const SegmentHeader& header() const { return header_; }
  /// Where the batch of the latest record begins (or a place before it).
  std::uint64_t batch_begin() const { return batch_begin_; }
  /// Where the last valid record ends.
  std::uint64_t valid_end() const { return valid_end_; }
  /// How far anything was written, as far as that can be determined; at least to the end of the
  /// last valid record.
  std::uint64_t written_end() const;
  /// The greatest of all valid batches.
  Sequence durable_upto() const { return durable_upto_; }
  /// The greatest sequence that anything valid mentions, even if its record is damaged.
  Sequence greatest_claimed() const { return greatest_claimed_; }
  /// Regions that end with something valid. What follows the last valid record is not among them.
  const std::vector<BadRegion>& bad_regions() const { return bad_regions_; }
  std::uint64_t read_failures() const { return read_failures_; }

 private:
  static constexpr std::size_t bad_regions_max = 10'000;

  Bytes view(std::uint64_t offset, std::size_t size);
  void load(std::uint64_t offset, std::size_t size);
  void load_piecewise(std::uint64_t offset);
  bool enter_batch();
  bool take_record(ScannedRecord& record, std::vector<ObjectId>* ids);
  bool skip_padding();
  void step_over_damage();
  void note_valid(std::uint64_t begin);

  std::unique_ptr<File> file_;
  const SegmentHeader header_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::uint64_t batch_begin_;
  std::uint64_t batch_end_ = 0;  // 0: not inside a batch whose header is known
  bool in_loose_batch_ = false;  // its header is damaged, but records of it were found
  bool damaged_ = false;         // since bad_begin_
  std::uint64_t bad_begin_ = 0;
  std::uint64_t valid_end_;
  std::uint64_t claimed_end_ = 0;
  std::uint64_t nonzero_end_ = 0;
  Sequence last_sequence_ = 0;
  Sequence durable_upto_ = 0;
  Sequence greatest_claimed_ = 0;
  std::uint64_t read_failures_ = 0;
  std::vector<BadRegion> bad_regions_;
  std::vector<std::byte> window_;
  std::uint64_t window_begin_ = 0;
};

}  // namespace postoffice::journal
