// Puts batches on stable storage, segment after segment. Single-threaded.
#pragma once

#include <memory>

#include "journal/batch_buffer.hpp"
#include "journal/journal_scan.hpp"
#include "journal/segment_pool.hpp"

namespace postoffice::journal {

/// Where a journal stood when the writer took over.
struct WriterStart {
  std::uint64_t queue = 0;
  std::uint64_t epoch = 0;
  std::uint64_t next_number = 1;
  std::uint64_t previous_number = 0;
  Sequence previous_last = 0;
  std::uint64_t previous_end = 0;
};

class JournalWriter {
 public:
  JournalWriter(const Storage& storage, SegmentPool& pool, const WriterStart& start);

  struct Written {
    std::error_code error;
    std::size_t next = 0;     ///< the first record that is not on stable storage
    std::uint64_t begin = 0;  ///< of the batch in the active segment
    std::uint64_t bytes = 0;
  };

  /// Writes records of `buffer` from `from` on, as many as the segment takes, as one batch, and
  /// syncs them. After an error nothing of the batch is durable for all that is known, its segment
  /// is left for ever, and the next call begins a new one.
  Written write(BatchBuffer& buffer, std::size_t from);

  /// Begins a segment if there is none to write to: shows whether the disk works again.
  std::error_code probe(Sequence first_sequence, Timestamp newest);

  /// The segment written to, as far as it is durable. Its number is 0 while there is none.
  const Segment& active() const { return active_; }
  /// The same, or, while there is none, the one left last: also one that nothing was ever written
  /// to has to be trimmed.
  const Segment& newest() const { return newest_; }
  std::uint64_t next_number() const { return start_.next_number; }
  /// The open file of the active segment; null while there is none.
  const std::shared_ptr<File>& file() const { return file_; }

  /// The next write begins a new segment.
  void leave_segment();

  /// The most a record may take up, header and padding included.
  static std::uint64_t record_size_max(std::uint64_t segment_bytes);

 private:
  std::error_code begin_segment(Sequence first_sequence, Timestamp newest);
  std::error_code make_segment(SegmentPool::Claim& claim, const SegmentHeader& header);
  std::size_t fitting(const BatchBuffer& buffer, std::size_t from) const;
  void seal(BatchBuffer& buffer, std::size_t from, std::size_t next) const;
  std::error_code write_batch(std::span<const std::byte> batch);

  const Storage storage_;
  SegmentPool& pool_;
  WriterStart start_;  // its `previous…` always describe what a next segment would follow
  std::shared_ptr<File> file_;
  Segment active_;
  Segment newest_;
};

}  // namespace postoffice::journal
