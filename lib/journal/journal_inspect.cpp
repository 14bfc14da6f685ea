#include "postoffice/defaults/journal_inspect.hpp"

#include <algorithm>

#include "journal/cursor_file.hpp"
#include "journal/journal_scan.hpp"
#include "journal/scan_progress.hpp"
#include "postoffice/error.hpp"

namespace postoffice {
namespace {

using namespace journal;

/// While a daemon runs, a scan may see two moments at once: a segment is recycled during the scan,
/// or a batch is half written in one read and proven durable by the next. A second scan then finds
/// nothing.
constexpr int looks_max = 5;

class Inspection {
 public:
  Inspection(const Storage& storage, const JournalVisitor& visit, const JournalProgress& progress)
      : storage_(storage), visit_(visit), progress_(progress) {}

  Result<JournalSummary> run() {
    auto found = load_cursor(storage_);
    if (found)
      cursor_ = *found;
    else if (found.error().code == Error::corrupt)
      summary_.damage.push_back({"cursor", 0, cursor_size, 0, 0});
    else
      return std::move(found).error();
    SegmentFiles files;
    if (const auto error = load_segments(storage_, {}, files)) return error;
    ScanProgress scanned(files.segments);
    const auto scan = scan_journal(storage_, files.segments, cursor_, ScanFrom::oldest,
                                   [&](const Segment& segment, const ScannedRecord& record,
                                       const std::vector<ObjectId>& ids, std::uint64_t) {
                                     count(segment, record, ids);
                                     const auto share = scanned.pass(segment, record.offset);
                                     if (share && progress_) progress_(*share);
                                   });
    summarise(files, scan);
    return std::move(summary_);
  }

 private:
  void count(const Segment& segment, const ScannedRecord& record,
             const std::vector<ObjectId>& ids) {
    auto& segments = summary_.segments;
    if (segments.empty() || segments.back().number != segment.header.number) {
      segments.push_back({segment.name, segment.header.number, segment.header.epoch, segment.size,
                          0, record.sequence, 0, 0});
    }
    segments.back().last = record.sequence;
    ++segments.back().records;
    const bool acknowledged = cursor_ && record.sequence <= cursor_->acknowledged;
    if (summary_.records++ == 0) {
      summary_.first = record.sequence;
      summary_.oldest = summary_.newest = record.received_at;
    }
    summary_.last = record.sequence;
    summary_.ids += ids.size();
    summary_.oldest = std::min(summary_.oldest, record.received_at);
    summary_.newest = std::max(summary_.newest, record.received_at);
    if (!acknowledged) {
      ++summary_.records_waiting;
      summary_.ids_waiting += ids.size();
    }
    if (!visit_) return;
    visit_({segment.name, record.offset, record.sequence, record.received_at,
            record.type == RecordType::requeued, acknowledged, ids});
  }

  void summarise(const SegmentFiles& files, const ScanResult& scan) {
    std::vector<JournalSegment> with_records = std::move(summary_.segments);
    summary_.segments.clear();
    for (const auto& segment : files.segments) {
      JournalSegment row{segment.name,
                         segment.header.number,
                         segment.header.epoch,
                         segment.size,
                         segment.end,
                         0,
                         0,
                         0};
      for (const auto& found : with_records) {
        if (found.number != row.number) continue;
        row.first = found.first;
        row.last = found.last;
        row.records = found.records;
      }
      summary_.segments.push_back(row);
    }
    if (cursor_)
      summary_.queue = cursor_->queue;
    else if (!files.segments.empty())
      summary_.queue = files.segments.back().header.queue;
    summary_.cursor_found = cursor_.has_value();
    summary_.acknowledged = cursor_ ? cursor_->acknowledged : 0;
    summary_.torn_bytes = scan.torn_bytes;
    summary_.lost_records = scan.lost_records;
    summary_.unknown_files = files.nonsense;
    for (const auto& lost : scan.lost) {
      summary_.damage.push_back({lost.name, lost.begin, lost.end, lost.first, lost.last});
    }
    for (const auto& damaged : scan.damaged) {
      summary_.damage.push_back({damaged.name, damaged.begin, damaged.end, 0, 0});
    }
  }

  const Storage& storage_;
  const JournalVisitor& visit_;
  const JournalProgress& progress_;
  std::optional<Cursor> cursor_;
  JournalSummary summary_;
};

}  // namespace

Result<JournalSummary> inspect_journal(const std::string& directory, const JournalVisitor& visit,
                                       const JournalProgress& progress) {
  const Storage storage{posix_file_system(), directory};
  auto summary = Inspection(storage, {}, progress).run();
  for (int look = 1; look < looks_max && summary && !summary->sound(); ++look) {
    summary = Inspection(storage, {}, progress).run();
  }
  if (!visit || !summary) return summary;
  if (auto visited = Inspection(storage, visit, {}).run(); !visited)
    return std::move(visited).error();
  return summary;
}

}  // namespace postoffice
