// The journal on a disk that loses power: random histories, from printed seeds.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "journal/backlog_reader.hpp"
#include "journal/cursor_file.hpp"
#include "journal/journal_writer.hpp"
#include "journal/recovery.hpp"
#include "journal/simulated_disk.hpp"
#include "journal/unread_memory.hpp"

namespace postoffice::journal {
namespace {

constexpr std::uint64_t segment_bytes = 32 << 10;

/// What senders did and were told, outside the reach of any fault.
struct Oracle {
  struct Sent {
    std::vector<ObjectId> ids;
    Timestamp received_at;
  };
  std::map<Sequence, std::vector<Sent>> attempted;  // a torn sequence may be used again
  std::set<Sequence> promised;                      // acknowledged to a sender
  Sequence acknowledged = 0;                        // by the reader, as far as it was tried
  bool sync_failed = false;

  bool was_attempted(const QueuedCallback& entry, std::vector<ObjectId> ids) const {
    const auto found = attempted.find(entry.sequence);
    if (found == attempted.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](const Sent& sent) {
      return sent.ids == ids && sent.received_at == entry.received_at;
    });
  }
};

/// One run of the journal, all in one thread.
class Run {
 public:
  Run(SimulatedDisk& disk, Oracle& oracle, std::mt19937_64& random)
      : disk_(disk), oracle_(oracle), random_(random) {}

  bool open() { return !recover(storage_, {segment_bytes, false}, {}, recovered_); }

  void check_recovered() {
    const auto found = read_all_back();
    Sequence before = recovered_.acknowledged;
    std::set<Sequence> seen;
    for (const auto& entry : found.entries) {
      REQUIRE(entry.sequence > before);
      before = entry.sequence;
      seen.insert(before);
      REQUIRE(oracle_.was_attempted(
          entry, {found.ids.begin() + entry.ids_begin, found.ids.begin() + entry.ids_end}));
    }
    REQUIRE(recovered_.acknowledged <= oracle_.acknowledged);
    for (const auto sequence : oracle_.promised) {
      if (sequence > recovered_.acknowledged) REQUIRE(seen.contains(sequence));
      REQUIRE(recovered_.greatest >= sequence);
    }
    REQUIRE(recovered_.report.callbacks == found.entries.size());
    if (!oracle_.sync_failed) REQUIRE(recovered_.report.lost_records == 0);
  }

  void work() {
    SegmentPool pool(storage_, segment_bytes, {}, recovered_.spare_ready,
                     recovered_.segments.size());
    JournalWriter writer(storage_, pool, start());
    next_ = recovered_.greatest + 1;
    for (auto steps = 1 + pick(30); steps > 0 && !disk_.dead(); --steps) {
      const auto choice = pick(10);
      if (choice == 0)
        trim(pool, writer);
      else if (choice == 1 && pool.wants_spare())
        (void)pool.make_spare(never_);
      else
        append(writer);
    }
  }

 private:
  WriterStart start() const {
    WriterStart start{
        recovered_.queue, recovered_.epoch, recovered_.next_number, 0, recovered_.last, 0};
    if (!recovered_.segments.empty()) {
      start.previous_number = recovered_.segments.back().header.number;
      start.previous_end = recovered_.segments.back().end;
    }
    return start;
  }

  Delivery read_all_back() {
    Delivery all;
    BacklogReader reader(storage_, recovered_.epoch);
    reader.seek(recovered_.backlog_number, recovered_.backlog_offset, recovered_.acknowledged);
    for (const auto& segment : recovered_.segments) {
      if (segment.header.number < recovered_.backlog_number) continue;
      for (bool at_end = false; !at_end;) {
        auto piece = reader.read(segment, 2000, BacklogReader::Unreadable::fail);
        REQUIRE_FALSE(piece.error);
        append_entries(all, piece.delivery.entries, piece.delivery.ids, 0,
                       piece.delivery.entries.size());
        at_end = piece.at_end;
      }
    }
    return all;
  }

  void append(JournalWriter& writer) {
    BatchBuffer buffer;
    for (auto records = 1 + pick(pick(5) == 0 ? 60 : 5); records > 0; --records) add(buffer);
    for (std::size_t from = 0; from < buffer.count();) {
      const auto before = writer.active();
      const auto written = writer.write(buffer, from);
      note(before, writer.active());
      if (written.error) return;
      for (; from < written.next; ++from) oracle_.promised.insert(buffer.entries[from].sequence);
    }
  }

  /// Keeps the list of segments, which the real queue keeps, too.
  void note(const Segment& before, const Segment& now) {
    if (before.header.number != 0 && before.header.number != now.header.number) {
      sealed_.push_back(before);
    }
  }

  void add(BatchBuffer& buffer) {
    std::set<ObjectId> ids;
    for (auto count = pick(40); count > 0; --count) ids.insert(static_cast<ObjectId>(random_()));
    Oracle::Sent sent{{ids.begin(), ids.end()}, Timestamp(Duration(next_ * 10))};
    std::vector<std::byte> payload;
    codec::encode_ids(sent.ids, payload);
    RecordHeader header;
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    header.payload_checksum = codec::crc32c(payload);
    header.received_at = sent.received_at;
    buffer.add(header, payload, {next_, sent.received_at, 0, 0, false}, sent.ids, {});
    oracle_.attempted[next_++].push_back(std::move(sent));
  }

  void trim(SegmentPool& pool, const JournalWriter& writer) {
    const auto up_to = std::max<Sequence>(recovered_.acknowledged, pick(next_));
    oracle_.acknowledged = std::max(oracle_.acknowledged, up_to);
    if (up_to < acknowledged_) return;
    if (cursor_file_.store({recovered_.queue,
                            recovered_.epoch,
                            up_to,
                            writer.active().last,
                            {},
                            writer.next_number()})) {
      return;
    }
    acknowledged_ = up_to;
    for (auto* list : {&recovered_.segments, &sealed_}) {
      while (!list->empty() && list->front().last <= up_to) {
        (void)pool.release(list->front().name, list->front().size);
        list->erase(list->begin());
      }
      if (!list->empty()) return;
    }
  }

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

  SimulatedDisk& disk_;
  Oracle& oracle_;
  std::mt19937_64& random_;
  const Storage storage_{disk_, "q"};
  const std::atomic<bool> never_{false};
  CursorFile cursor_file_{storage_};
  Recovered recovered_;
  std::vector<Segment> sealed_;
  Sequence next_ = 1;
  Sequence acknowledged_ = 0;
};

void live_through(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  SimulatedDisk disk(random());
  disk.set_short_writes(random() % 2 == 0);
  const bool syncs_fail = random() % 3 == 0;
  Oracle oracle;
  for (auto crashes = 2 + random() % 5; crashes > 0; --crashes) {
    if (random() % 3 == 0) disk.die_after(random() % 12);
    Run run(disk, oracle, random);
    const bool opened = run.open();
    if (opened && !disk.dead()) {
      disk.stay_alive();
      run.check_recovered();
      disk.die_after(random() % 200);
      if (syncs_fail) disk.fail_sync(1 + random() % 20);
      run.work();
    } else {
      REQUIRE(disk.dead());  // it opens from every state a crash can leave
    }
    oracle.sync_failed = disk.failed_syncs() > 0;
    REQUIRE(disk.syncs_after_failure() == 0);
    if (random() % 4 == 0)
      disk.kill_process();
    else
      disk.cut_power();
  }
  Run last(disk, oracle, random);
  REQUIRE(last.open());
  last.check_recovered();
  Run again(disk, oracle, random);
  REQUIRE(again.open());
  again.check_recovered();
}

}  // namespace

TEST_CASE("what was promised is recovered after any crash, and nothing is invented") {
  const auto number = [](const char* name, std::uint64_t otherwise) -> std::uint64_t {
    const char* given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
  };
  const auto first = number("POSTOFFICE_SEED", 1);
  const auto count = number("POSTOFFICE_HISTORIES", 300);
  MESSAGE("histories from seed " << first << ": " << count);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    live_through(seed);
  }
}

}  // namespace postoffice::journal
