// Reads the segments in order, and decides which missing records are corruption.
//
// A flush writes a batch of records and then syncs it; only after that are senders answered. A
// crash or a power cut may end a flush at any point, and may then leave any part of the batch on
// the disk. So a record can be missing for two reasons, which look the same where it is missing:
//
//  - *torn*: its flush never ended. No sender was told about it, and it is dropped without a word;
//  - *corrupt*: it had been durable, and the disk lost or changed it. It is reported as lost.
//
// What tells them apart is the *durable* sequence: the newest one that is proven to have been on
// stable storage. Three places tell it: a batch says what was durable when it was formed, the
// header of a segment says what was durable in the segment before, and so does the cursor. A
// missing record up to that sequence is corrupt; one above it is torn. The proof often stands in a
// later segment than the gap. So the scan only collects gaps (gap()), and judges them when
// everything was read (classify()).
//
// The newest segment needs one step more, since it alone can have a torn tail. Of its last flush a
// later record may be there and an earlier one not. If the later one counted, the next run would
// make it durable, and the earlier one would look lost from then on. So this segment is read twice:
// cut_torn_tail() finds the first missing record that was not proven durable and ends the segment
// before it; records() then visits what is left. An older segment ends where its successor says
// (`previous_end`), and is called *sealed* here.
//
// Records that the cursor covers were acknowledged: nobody needs them, so they are never lost.
#include "journal/journal_scan.hpp"

#include <algorithm>
#include <array>

#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

/// Error::corrupt if the file has no header of a segment.
std::error_code load_segment(const Storage& storage, const std::string& name, Segment& segment) {
  const auto file = storage.open(name, FileSystem::Mode::read);
  if (!file) return file.error().code;
  std::array<std::byte, block_size> block{};
  std::error_code error;
  read_all(**file, block, 0, error);
  if (error) return error;  // unreadable now: that does not make it a foreign file
  const auto header = decode_segment_header(block);
  if (!header) return is_other_version(block) ? Error::schema : Error::corrupt;
  segment = {*header, name, (*file)->size(), 0, 0};
  return {};
}

/// What lies behind the last valid record of a segment: nothing, if it is empty; else a flush that
/// never ended, or damage, which is known only when everything was read.
struct Tail {
  std::string name;  ///< of the segment
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Segment by segment, from the oldest on. Only the result so far goes from one to the next.
class Scan {
 public:
  Scan(const Storage& storage, const std::optional<Cursor>& cursor, ScanFrom from, bool with_ids,
       const RecordVisitor& visit)
      : storage_(storage), cursor_(cursor), from_(from), with_ids_(with_ids), visit_(visit) {
    if (!cursor) return;
    result_.last = cursor->acknowledged;
    result_.durable = cursor->last_durable;
    result_.greatest = std::max(cursor->last_durable, cursor->acknowledged);
    result_.newest = cursor->newest;
  }

  Tail segment(const Segment* before, Segment& segment, const Segment* after) {
    const auto& header = segment.header;
    result_.newest = std::max(result_.newest, header.newest);
    result_.greatest = std::max(result_.greatest, header.first_sequence - 1);
    if (before == nullptr && from_ == ScanFrom::oldest) {
      result_.last = std::min(result_.last, header.first_sequence - 1);
    }
    // Without cursor and predecessor, earlier segments may simply have been trimmed.
    const bool missing = before == nullptr || before->header.number != header.previous_number;
    if (before != nullptr || cursor_) {
      result_.durable = std::max(result_.durable, header.previous_last);
      if (missing) gap({segment_name(header.previous_number), 0, 0, 0, header.previous_last});
    }
    result_.last = std::max(result_.last, header.first_sequence - 1);
    const bool sealed = after != nullptr && after->header.previous_number == header.number;
    segment.end = sealed ? std::min(after->header.previous_end, segment.size) : segment.size;
    segment.last = sealed ? after->header.previous_last : 0;
    if (sealed && is_forgotten(segment)) return {};
    const auto written_end = after == nullptr ? cut_torn_tail(segment) : 0;
    auto tail = records(segment, sealed, written_end);
    if (sealed) gap({segment.name, tail.begin, segment.end, 0, segment.last});
    segment.last = std::max(segment.last, result_.last);
    return tail;
  }

  std::error_code error() const { return result_.error; }

  /// `tail`: of the newest segment.
  ScanResult finish(const Tail& tail) {
    if (result_.error) return std::move(result_);
    if (tail.end > tail.begin) {
      result_.torn_bytes = tail.end - tail.begin;
      result_.torn = {tail.name, tail.begin, tail.end, 0, 0};
    }
    gap({tail.name, tail.begin, tail.end, 0, result_.durable});
    for (auto& damage : gaps_) classify(damage);
    result_.greatest = std::max({result_.greatest, result_.last, result_.durable});
    return std::move(result_);
  }

 private:
  static constexpr std::size_t damage_max = 10'000;

  std::unique_ptr<File> open(const Segment& segment) {
    auto file = storage_.open(segment.name, FileSystem::Mode::read);
    if (file) return *std::move(file);
    result_.error = file.error().code;
    return nullptr;
  }

  bool is_forgotten(const Segment& segment) const {
    return from_ == ScanFrom::cursor && cursor_ && segment.last <= cursor_->acknowledged;
  }

  /// Ends the segment before the first missing record that is not proven durable (see above). Sets
  /// its `end`, and returns how far anything was written.
  std::uint64_t cut_torn_tail(Segment& segment) {
    auto file = open(segment);
    if (!file) return 0;
    SegmentScanner scanner(std::move(file), segment.header, block_size, segment.end);
    struct Missing {
      Sequence first;
      std::uint64_t end;  // of the record before it
    };
    std::vector<Missing> unproven;
    Sequence last = segment.header.first_sequence - 1;
    std::uint64_t end = block_size;
    ScannedRecord record;
    for (; scanner.next(record, nullptr); last = record.sequence) {
      const auto durable = std::max(result_.durable, scanner.durable_upto());
      std::erase_if(unproven, [&](const Missing& missing) { return missing.first <= durable; });
      if (record.sequence > last + 1) unproven.push_back({last + 1, end});
      end = record.offset + record.size;
    }
    const auto durable = std::max(result_.durable, scanner.durable_upto());
    std::erase_if(unproven, [&](const Missing& missing) { return missing.first <= durable; });
    result_.greatest = std::max(result_.greatest, scanner.greatest_claimed());
    if (!unproven.empty()) segment.end = unproven.front().end;
    return scanner.written_end();
  }

  /// Visits all records in [block_size, end). `written_end`: see cut_torn_tail().
  Tail records(Segment& segment, bool sealed, std::uint64_t written_end) {
    auto file = open(segment);
    if (!file) return {};
    SegmentScanner scanner(std::move(file), segment.header, block_size, segment.end);
    ScannedRecord record;
    std::vector<ObjectId> ids;
    std::size_t regions = 0;
    while (scanner.next(record, with_ids_ ? &ids : nullptr)) {
      const auto& bad = scanner.bad_regions();
      const bool after_bad = bad.size() > regions;
      regions = bad.size();
      if (record.sequence <= result_.last) continue;
      Damage between{segment.name, record.offset, record.offset, 0, record.sequence - 1};
      if (after_bad) between.begin = bad.back().begin;
      if (!gap(between) && after_bad) remember(result_.damaged, between);
      result_.last = record.sequence;
      result_.newest = std::max(result_.newest, record.received_at);
      visit_(segment, record, ids, scanner.batch_begin());
    }
    result_.durable = std::max(result_.durable, scanner.durable_upto());
    result_.greatest = std::max(result_.greatest, scanner.greatest_claimed());
    result_.read_failures += scanner.read_failures();
    const auto begin = std::min(scanner.valid_end(), segment.end);
    const auto end = sealed ? segment.end : std::max(scanner.written_end(), written_end);
    if (!sealed) segment.end = begin;
    return {segment.name, begin, end};
  }

  /// Everything after the last record and up to `damage.last` was not found.
  bool gap(Damage damage) {
    damage.first = result_.last + 1;
    if (damage.last < damage.first) return false;
    remember(gaps_, damage);
    result_.last = damage.last;
    return true;
  }

  static void remember(std::vector<Damage>& list, const Damage& damage) {
    if (list.size() < damage_max)
      list.push_back(damage);
    else
      list.back().last = std::max(list.back().last, damage.last);
  }

  /// The one place that tells torn from corrupt. `durable` is final by now.
  void classify(Damage& damage) {
    damage.last = std::min(damage.last, result_.durable);
    if (damage.last < damage.first) return;  // torn: never was durable
    // What was acknowledged is not needed: its file may have been released while an older one could
    // not be.
    if (cursor_) damage.first = std::max(damage.first, cursor_->acknowledged + 1);
    if (damage.last < damage.first) {
      damage.first = damage.last = 0;
      if (damage.end > damage.begin) remember(result_.damaged, damage);
      return;
    }
    result_.lost_records += damage.last - damage.first + 1;
    result_.lost.push_back(damage);
  }

  const Storage& storage_;
  const std::optional<Cursor>& cursor_;
  const ScanFrom from_;
  const bool with_ids_;
  const RecordVisitor& visit_;
  ScanResult result_;
  std::vector<Damage> gaps_;
};

}  // namespace

std::error_code load_segments(const Storage& storage, std::optional<std::uint64_t> queue,
                              SegmentFiles& files) {
  const auto names = storage.file_system.list(storage.directory);
  if (!names) return names.error().code;
  for (const auto& name : *names) {
    const auto number = parse_segment_name(name);
    if (!number) continue;
    files.greatest_number = std::max(files.greatest_number, *number);
    Segment segment;
    const auto failure = load_segment(storage, name, segment);
    if (failure == Error::corrupt)
      files.nonsense.push_back(name);
    else if (failure == std::errc::no_such_file_or_directory)
      continue;  // trimmed meanwhile
    else if (failure)
      return failure;
    else
      files.segments.push_back(std::move(segment));
  }
  auto& segments = files.segments;
  std::sort(segments.begin(), segments.end(), [](const Segment& left, const Segment& right) {
    return std::pair(left.header.number, left.name) < std::pair(right.header.number, right.name);
  });
  if (!queue && !segments.empty()) queue = segments.back().header.queue;
  std::vector<Segment> own;
  for (auto& segment : segments) {
    const bool twice = !own.empty() && own.back().header.number == segment.header.number;
    if (segment.header.queue != *queue || twice) {
      files.nonsense.push_back(segment.name);
    } else {
      files.greatest_number = std::max(files.greatest_number, segment.header.number);
      own.push_back(std::move(segment));
    }
  }
  segments = std::move(own);
  return {};
}

ScanResult scan_journal(const Storage& storage, std::vector<Segment>& segments,
                        const std::optional<Cursor>& cursor, ScanFrom from,
                        const RecordVisitor& visit, bool with_ids) {
  Scan scan(storage, cursor, from, with_ids, visit);
  Tail tail;
  for (std::size_t i = 0; i < segments.size() && !scan.error(); ++i) {
    tail = scan.segment(i > 0 ? &segments[i - 1] : nullptr, segments[i],
                        i + 1 < segments.size() ? &segments[i + 1] : nullptr);
  }
  return scan.finish(tail);
}

}  // namespace postoffice::journal
