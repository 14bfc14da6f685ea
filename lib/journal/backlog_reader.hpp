// Reads from the segments the records that memory does not hold, a piece at a time.
#pragma once

#include <memory>

#include "journal/journal_scan.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::journal {

/// Belongs to one thread. The caller knows which segments exist and how far each is durable, and
/// passes that in for every piece.
class BacklogReader {
 public:
  /// `epoch`: of this run; it identifies the records that this run requeued.
  BacklogReader(const Storage& storage, std::uint64_t epoch) : storage_(storage), epoch_(epoch) {}

  /// Continues behind `after`, whose successor is in segment `number`, not before `offset`.
  void seek(std::uint64_t number, std::uint64_t offset, Sequence after);

  /// The segment to be read next (or the first one with a greater number).
  std::uint64_t number() const { return number_; }
  std::uint64_t offset() const { return offset_; }

  struct Piece {
    std::error_code error;
    Delivery delivery;
    bool at_end = false;  ///< of the segment, as far as it is durable
  };

  enum class Unreadable { fail, skip };

  /// About `bytes_max` bytes of `segment`, up to its `end`. Where the disk cannot be read: fails,
  /// to begin again at the same place, or skips that part.
  Piece read(const Segment& segment, std::size_t bytes_max, Unreadable unreadable);

 private:
  std::error_code open(const Segment& segment);

  const Storage storage_;
  const std::uint64_t epoch_;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  Sequence after_ = 0;
  std::unique_ptr<SegmentScanner> scanner_;
  std::vector<ObjectId> ids_;
};

}  // namespace postoffice::journal
