#include "journal/recovery.hpp"

#include <algorithm>

#include "journal/cursor_file.hpp"
#include "journal/make_durable.hpp"
#include "journal/quarantine.hpp"
#include "journal/scan_progress.hpp"
#include "journal/segment_pool.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

constexpr std::size_t gaps_max = 10'000;

class Recovery {
 public:
  Recovery(const Storage& storage, const RecoveryOptions& options, const Log& log,
           Recovered& recovered)
      : storage_(storage), options_(options), log_(log), recovered_(recovered) {}

  std::error_code run() {
    if (const auto error = tidy_up()) return error;
    if (const auto error = load()) return error;
    if (const auto error = set_nonsense_aside()) return error;
    const auto scan = scan_segments();
    if (scan.error) return scan.error;
    report_damage(scan);
    if (options_.strict && scan.lost_records > 0) return Error::corrupt;
    make_newest_durable();
    fill_in(scan);
    return {};
  }

 private:
  /// Leftovers of an earlier run that nothing refers to.
  std::error_code tidy_up() {
    const auto names = storage_.file_system.list(storage_.directory);
    if (!names) return names.error().code;
    for (const auto& name : *names) {
      if (name.ends_with(".tmp")) (void)storage_.remove(name);
    }
    const auto spare = storage_.open(spare_name, FileSystem::Mode::read);
    recovered_.spare_ready = spare && (*spare)->size() == options_.segment_bytes;
    if (spare && !recovered_.spare_ready) (void)storage_.remove(spare_name);
    return {};
  }

  std::error_code load() {
    const auto found = load_cursor(storage_);
    std::error_code error = found ? std::error_code() : found.error().code;
    if (error && error != Error::corrupt) return error;
    if (error) say(LogLevel::warning, "the cursor is unreadable: everything is read again");
    if (found) cursor_ = *found;
    std::optional<std::uint64_t> queue;
    if (cursor_) queue = cursor_->queue;
    if ((error = load_segments(storage_, queue, files_))) return error;
    if (!cursor_ || !files_.segments.empty() || files_.nonsense.empty()) return {};
    // If the cursor's queue matches none of the segments, the cursor is the foreign file.
    SegmentFiles again;
    if ((error = load_segments(storage_, {}, again))) return error;
    if (again.segments.empty()) return {};
    say(LogLevel::warning, "the cursor belongs to another queue: everything is read again");
    cursor_.reset();
    files_ = std::move(again);
    return {};
  }

  std::error_code set_nonsense_aside() {
    for (const auto& name : files_.nonsense) {
      say(LogLevel::error, name + " is not a segment of this queue; moved to quarantine");
      if (options_.strict) return Error::corrupt;
      if (const auto error = Quarantine(storage_).move(name)) return error;
    }
    return {};
  }

  /// What a killed process wrote and did not sync may still be in the page cache only. It must not
  /// be relied on and then be lost in a power cut. Of earlier segments only what was synced counts.
  void make_newest_durable() {
    if (files_.segments.empty()) return;
    auto& newest = files_.segments.back();
    const bool waits = recovered_.last_found > recovered_.acknowledged &&
                       recovered_.last_found >= newest.header.first_sequence;
    if (!waits) return;
    recovered_.durable = make_durable(storage_, newest);
    if (!recovered_.durable) say(LogLevel::warning, "cannot make " + newest.name + " durable yet");
  }

  ScanResult scan_segments() {
    recovered_.acknowledged = recovered_.last_found = cursor_ ? cursor_->acknowledged : 0;
    ScanProgress scanned(files_.segments);
    OpeningReport report(scanned.bytes(), std::chrono::steady_clock::now());
    return scan_journal(
        storage_, files_.segments, cursor_, ScanFrom::cursor,
        [&](const Segment& segment, const ScannedRecord& record, const std::vector<ObjectId>&,
            std::uint64_t batch_begin) {
          if (recovered_.backlog_number == 0) {
            recovered_.backlog_number = segment.header.number;
            recovered_.backlog_offset = batch_begin;
          }
          note_gap(record.sequence);
          recovered_.last_found = record.sequence;
          recovered_.waiting.push(record.sequence, record.received_at);
          ++recovered_.report.callbacks;
          recovered_.report.ids += record.ids;
          const auto share = scanned.pass(segment, record.offset);
          if (!share) return;
          const auto line = report.line(*share, std::chrono::steady_clock::now());
          if (!line.empty()) say(LogLevel::info, line);
        },
        false);
  }

  /// Missing sequences beyond the limit are counted again when the queue is read.
  void note_gap(Sequence found) {
    const auto expected = recovered_.last_found + 1;
    const bool listed = recovered_.gaps.size() < gaps_max;
    if (found > expected && listed) recovered_.gaps.emplace_back(expected, found - 1);
  }

  void report_damage(const ScanResult& scan) {
    Quarantine quarantine(storage_);
    for (const auto& lost : scan.lost) {
      say(LogLevel::error, "lost callbacks [" + std::to_string(lost.first) + ".." +
                               std::to_string(lost.last) + "]: damage in " + place(lost));
      quarantine.copy(lost.name, lost.begin, lost.end);
    }
    for (const auto& damaged : scan.damaged) {
      say(LogLevel::warning, "damage without loss in " + place(damaged));
      quarantine.copy(damaged.name, damaged.begin, damaged.end);
    }
    if (scan.torn_bytes > 0) {
      say(LogLevel::info, "dropped an unfinished flush at the end of " + place(scan.torn));
      quarantine.copy(scan.torn.name, scan.torn.begin, scan.torn.end);
    }
    if (scan.read_failures > 0) say(LogLevel::error, "parts of the queue cannot be read");
  }

  void fill_in(const ScanResult& scan) {
    auto& segments = files_.segments;
    recovered_.queue = cursor_             ? cursor_->queue
                       : !segments.empty() ? segments.back().header.queue
                                           : storage_.file_system.random_number();
    recovered_.epoch = cursor_ ? cursor_->epoch : 0;
    for (const auto& segment : segments) {
      recovered_.epoch = std::max(recovered_.epoch, segment.header.epoch);
    }
    ++recovered_.epoch;
    recovered_.next_number =
        std::max(files_.greatest_number + 1, cursor_ ? cursor_->next_number : 1);
    recovered_.last = scan.last;
    recovered_.greatest = scan.greatest;
    recovered_.newest = scan.newest;
    recovered_.report.torn_bytes = scan.torn_bytes;
    recovered_.report.lost_records = scan.lost_records;
    for (const auto& lost : scan.lost) recovered_.report.lost.emplace_back(lost.first, lost.last);
    recovered_.report.newest = scan.newest;
    recovered_.segments = std::move(segments);
  }

  static std::string place(const Damage& damage) {
    return damage.name + " [" + std::to_string(damage.begin) + ".." + std::to_string(damage.end) +
           ")";
  }

  void say(LogLevel level, const std::string& message) const {
    if (log_) log_(level, "queue: " + message);
  }

  const Storage& storage_;
  const RecoveryOptions& options_;
  const Log& log_;
  Recovered& recovered_;
  std::optional<Cursor> cursor_;
  SegmentFiles files_;
};

}  // namespace

std::error_code recover(const Storage& storage, const RecoveryOptions& options, const Log& log,
                        Recovered& recovered) {
  return Recovery(storage, options, log, recovered).run();
}

}  // namespace postoffice::journal
