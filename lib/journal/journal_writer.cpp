#include "journal/journal_writer.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "postoffice/error.hpp"

namespace postoffice::journal {

JournalWriter::JournalWriter(const Storage& storage, SegmentPool& pool, const WriterStart& start)
    : storage_(storage), pool_(pool), start_(start) {}

std::uint64_t JournalWriter::record_size_max(std::uint64_t segment_bytes) {
  const auto room = segment_bytes - block_size - batch_header_size;
  return std::min<std::uint64_t>(room, record_header_size + payload_size_max) / record_alignment *
         record_alignment;
}

JournalWriter::Written JournalWriter::write(BatchBuffer& buffer, std::size_t from) {
  assert(from < buffer.count());
  if (file_ && fitting(buffer, from) == from) leave_segment();
  if (!file_) {
    const auto error = begin_segment(buffer.entries[from].sequence, buffer.newest);
    if (error) return {error, from, 0, 0};
  }
  const auto next = fitting(buffer, from);
  assert(next > from);
  seal(buffer, from, next);
  const auto begin = buffer.offsets[from] - batch_header_size;
  const auto size = buffer.end_of(next - 1) - begin;
  if (next == buffer.count()) buffer.bytes.resize(begin + round_up(size, block_size));
  const auto batch = std::span(buffer.bytes).subspan(begin);
  const auto offset = active_.end;
  const auto error = write_batch(batch.first(next == buffer.count() ? batch.size() : size));
  if (error) {
    leave_segment();
    return {error, from, 0, 0};
  }
  active_.end += round_up(size, block_size);
  active_.last = buffer.entries[next - 1].sequence;
  assert(active_.end <= pool_.segment_bytes());
  newest_ = active_;
  start_.previous_last = active_.last;
  start_.previous_end = active_.end;
  return {{}, next, offset, batch.size()};
}

/// One write and one sync. The sync is never tried again: after a failed one the kernel may call
/// pages clean that never reached the disk, and a second one would lie.
std::error_code JournalWriter::write_batch(std::span<const std::byte> batch) {
  if (const auto error = write_all(*file_, batch, active_.end)) return error;
  return file_->sync_data();
}

std::error_code JournalWriter::probe(Sequence first_sequence, Timestamp newest) {
  return file_ ? std::error_code{} : begin_segment(first_sequence, newest);
}

std::error_code JournalWriter::begin_segment(Sequence first_sequence, Timestamp newest) {
  assert(!file_);
  auto claim = pool_.claim_file();
  SegmentHeader header;
  header.queue = start_.queue;
  header.epoch = start_.epoch;
  // A number is used up even if this fails: a name that was not made durable may come back.
  header.number = start_.next_number++;
  header.first_sequence = first_sequence;
  header.previous_number = start_.previous_number;
  header.previous_last = start_.previous_last;
  header.previous_end = start_.previous_end;
  header.newest = newest;
  header.seed = segment_seed(start_.queue, header.number);
  header.fresh = claim && claim->fresh;
  const auto error = claim ? make_segment(*claim, header) : claim.error().code;
  pool_.settle_claim(!error);
  if (error) {
    if (claim) (void)storage_.remove(claim->name);
    return error;
  }
  file_ = std::move(claim->file);
  active_ = {header, claim->name, pool_.segment_bytes(), block_size, first_sequence - 1};
  newest_ = active_;
  start_.previous_number = header.number;
  start_.previous_end = block_size;
  return {};
}

std::error_code JournalWriter::make_segment(SegmentPool::Claim& claim,
                                            const SegmentHeader& header) {
  std::array<std::byte, block_size> block{};
  encode(header, block);
  if (const auto error = write_all(*claim.file, block, 0)) return error;
  if (const auto error = claim.file->sync_data()) return error;
  const auto name = segment_name(header.number);
  if (const auto error = storage_.rename(claim.name, name)) return error;
  claim.name = name;
  return storage_.sync();
}

/// The first record, from `from` on, that the active segment cannot take.
std::size_t JournalWriter::fitting(const BatchBuffer& buffer, std::size_t from) const {
  const auto room = pool_.segment_bytes() - active_.end;
  const auto begin = buffer.offsets[from] - batch_header_size;
  std::size_t next = from;
  while (next < buffer.count() && buffer.end_of(next) - begin <= room) ++next;
  return next;
}

/// Fills in what depends on the segment. The batch header overwrites the end of a record that went
/// to an earlier segment.
void JournalWriter::seal(BatchBuffer& buffer, std::size_t from, std::size_t next) const {
  const auto& header = active_.header;
  const auto first = buffer.offsets[from];
  for (std::size_t i = from; i < next; ++i) {
    assert(buffer.entries[i].sequence >= header.first_sequence);
    auto record = buffer.headers[i];
    record.relative_sequence =
        static_cast<std::uint32_t>(buffer.entries[i].sequence - header.first_sequence);
    encode(record, header.seed, std::span(buffer.bytes).subspan(buffer.offsets[i]));
  }
  const BatchHeader batch{static_cast<std::uint32_t>(buffer.end_of(next - 1) - first),
                          static_cast<std::uint32_t>(next - from), buffer.entries[from].sequence,
                          start_.previous_last};
  encode(batch, header.seed, std::span(buffer.bytes).subspan(first - batch_header_size));
}

void JournalWriter::leave_segment() {
  file_.reset();
  active_ = {};
}

}  // namespace postoffice::journal
