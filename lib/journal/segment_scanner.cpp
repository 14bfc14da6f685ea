#include "journal/segment_scanner.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"

namespace postoffice::journal {
namespace {

constexpr std::size_t window_size = 256 << 10;

}  // namespace

SegmentScanner::SegmentScanner(std::unique_ptr<File> file, const SegmentHeader& header,
                               std::uint64_t begin, std::uint64_t end)
    : file_(std::move(file)),
      header_(header),
      position_(begin),
      end_(end),
      batch_begin_(begin),
      valid_end_(begin) {}

std::uint64_t SegmentScanner::written_end() const {
  const auto zeros_tell = header_.fresh ? nonzero_end_ : 0;
  return std::max({valid_end(), claimed_end_, zeros_tell});
}

bool SegmentScanner::next(ScannedRecord& record, std::vector<ObjectId>* ids) {
  while (position_ + record_alignment <= end_) {
    if (batch_end_ != 0 && position_ >= batch_end_) {
      position_ = round_up(position_, block_size);
      batch_end_ = 0;
      continue;
    }
    if (position_ % block_size == 0 && batch_end_ == 0 && enter_batch()) continue;
    const auto before = position_;
    if (take_record(record, ids)) return true;
    if (position_ != before || skip_padding()) continue;
    step_over_damage();
  }
  return false;
}

Bytes SegmentScanner::view(std::uint64_t offset, std::size_t size) {
  const bool inside = offset >= window_begin_ && offset + size <= window_begin_ + window_.size();
  if (!inside) load(offset, size);
  return Bytes(window_).subspan(offset - window_begin_, size);
}

void SegmentScanner::load(std::uint64_t offset, std::size_t size) {
  const auto wanted = std::max(size, window_size);
  const auto left = end_ > offset ? end_ - offset : 0;
  window_.assign(std::max<std::size_t>(size, std::min<std::uint64_t>(wanted, left)), std::byte{0});
  window_begin_ = offset;
  std::error_code error;
  read_all(*file_, window_, offset, error);
  if (error) load_piecewise(offset);
}

/// One bad sector must not hide the good ones around it.
void SegmentScanner::load_piecewise(std::uint64_t offset) {
  for (std::size_t at = 0; at < window_.size(); at += block_size) {
    const auto piece =
        std::span(window_).subspan(at, std::min<std::size_t>(block_size, window_.size() - at));
    std::error_code error;
    read_all(*file_, piece, offset + at, error);
    if (!error) continue;
    ++read_failures_;
    std::fill(piece.begin(), piece.end(), std::byte{0});
  }
}

bool SegmentScanner::enter_batch() {
  if (position_ + batch_header_size > end_) return false;
  const auto header = decode_batch_header(view(position_, batch_header_size), header_.seed);
  if (!header || header->count == 0) return false;
  note_valid(position_);
  in_loose_batch_ = false;
  batch_begin_ = position_;
  position_ += batch_header_size;
  batch_end_ = std::min(end_, position_ + header->bytes);
  claimed_end_ = std::max(claimed_end_, batch_end_);
  durable_upto_ = std::max(durable_upto_, header->durable_upto);
  greatest_claimed_ = std::max(greatest_claimed_, header->first_sequence + header->count - 1);
  return true;
}

/// Also moves past a record that is damaged but says where it ends.
bool SegmentScanner::take_record(ScannedRecord& record, std::vector<ObjectId>* ids) {
  const auto limit = batch_end_ != 0 ? batch_end_ : end_;
  if (position_ + record_header_size > limit) return false;
  const auto header = decode_record_header(view(position_, record_header_size), header_.seed);
  if (!header || position_ + header->size() > limit) return false;
  const auto begin = position_;
  const auto payload = view(begin + record_header_size, header->payload_size);
  const auto sequence = header_.first_sequence + header->relative_sequence;
  greatest_claimed_ = std::max(greatest_claimed_, sequence);
  if (ids != nullptr) ids->clear();
  const bool sound = codec::crc32c(payload) == header->payload_checksum;
  if (!sound || (ids != nullptr && !codec::decode_ids(payload, *ids))) {
    if (!std::exchange(damaged_, true)) bad_begin_ = begin;
    position_ += header->size();
    claimed_end_ = std::max(claimed_end_, position_);
    return false;
  }
  position_ += header->size();
  if (sequence <= last_sequence_) return false;
  note_valid(begin);
  in_loose_batch_ = batch_end_ == 0;
  last_sequence_ = sequence;
  valid_end_ = position_;
  record = {sequence,       header->received_at,
            header->type,   begin,
            header->size(), ids != nullptr ? ids->size() : codec::count_ids(payload)};
  return true;
}

/// In a batch without a header, only the zeros after its records show where they end.
bool SegmentScanner::skip_padding() {
  if (!in_loose_batch_ || damaged_ || position_ % block_size == 0) return false;
  constexpr std::byte zeros[record_alignment] = {};
  if (std::memcmp(view(position_, sizeof zeros).data(), zeros, sizeof zeros) != 0) return false;
  position_ = round_up(position_, block_size);
  in_loose_batch_ = false;
  return true;
}

void SegmentScanner::step_over_damage() {
  static constexpr std::byte zeros[block_size] = {};
  if (!std::exchange(damaged_, true)) bad_begin_ = position_;
  // Unused space is mostly blocks of zeros, which hold nothing valid.
  if (batch_end_ == 0 && position_ % block_size == 0 && position_ + block_size <= end_ &&
      std::memcmp(view(position_, block_size).data(), zeros, block_size) == 0) {
    position_ += block_size;
    return;
  }
  const auto here = view(position_, record_alignment);
  position_ += record_alignment;
  if (std::memcmp(here.data(), zeros, record_alignment) != 0) nonzero_end_ = position_;
}

void SegmentScanner::note_valid(std::uint64_t begin) {
  if (!std::exchange(damaged_, false)) return;
  if (bad_regions_.size() < bad_regions_max) {
    bad_regions_.push_back({bad_begin_, begin, last_sequence_});
  }
}

}  // namespace postoffice::journal
