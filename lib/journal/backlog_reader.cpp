#include "journal/backlog_reader.hpp"

#include "journal/unread_memory.hpp"

namespace postoffice::journal {

void BacklogReader::seek(std::uint64_t number, std::uint64_t offset, Sequence after) {
  scanner_.reset();
  number_ = number;
  offset_ = offset;
  after_ = after;
}

BacklogReader::Piece BacklogReader::read(const Segment& segment, std::size_t bytes_max,
                                         Unreadable unreadable) {
  Piece piece;
  if (segment.header.number != number_) seek(segment.header.number, block_size, after_);
  if ((piece.error = open(segment))) {
    // The segment was removed, and has not been restored.
    piece.at_end =
        unreadable == Unreadable::skip && piece.error == std::errc::no_such_file_or_directory;
    if (piece.at_end) piece.error.clear();
    return piece;
  }
  const auto begin_after = after_;
  const auto failures_before = scanner_->read_failures();
  ScannedRecord record;
  while (UnreadMemory::bytes_of(piece.delivery) < bytes_max) {
    if (!scanner_->next(record, &ids_)) {
      piece.at_end = true;
      break;
    }
    if (record.sequence <= after_) continue;
    auto& [entries, ids] = piece.delivery;
    const auto begin = static_cast<std::uint32_t>(ids.size());
    ids.insert(ids.end(), ids_.begin(), ids_.end());
    const bool own = segment.header.epoch == epoch_;
    entries.push_back({record.sequence, record.received_at, begin,
                       static_cast<std::uint32_t>(ids.size()),
                       own && record.type == RecordType::requeued, record.sequence});
    after_ = record.sequence;
  }
  const bool unread = scanner_->read_failures() > failures_before;
  if (unread && unreadable == Unreadable::fail) {
    seek(number_, offset_, begin_after);
    return {std::make_error_code(std::errc::io_error), {}, false};
  }
  return piece;
}

std::error_code BacklogReader::open(const Segment& segment) {
  if (scanner_) {
    scanner_->extend(segment.end);
    return {};
  }
  auto file = storage_.open(segment.name, FileSystem::Mode::read);
  if (!file) return file.error().code;
  scanner_ =
      std::make_unique<SegmentScanner>(*std::move(file), segment.header, offset_, segment.end);
  return {};
}

}  // namespace postoffice::journal
