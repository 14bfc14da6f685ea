// Damage: found, named, and everything around it kept.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "journal/cursor_file.hpp"
#include "journal/journal_writer.hpp"
#include "journal/recovery.hpp"
#include "journal/simulated_disk.hpp"

namespace postoffice::journal {
namespace {

constexpr std::uint64_t segment_bytes = 32 << 10;

/// A journal of `batches` batches of three records each.
class SmallJournal {
 public:
  explicit SmallJournal(int batches) {
    SegmentPool pool(storage_, segment_bytes, {}, false, 0);
    JournalWriter writer(storage_, pool, {77, 1, 1, 0, 0, 0});
    for (int i = 0; i < batches; ++i) {
      BatchBuffer buffer;
      for (int record = 0; record < 3; ++record) add(buffer);
      REQUIRE_FALSE(writer.write(buffer, 0).error);
      if (names_.empty() || names_.back() != writer.active().name) {
        names_.push_back(writer.active().name);
      }
    }
    used_ = writer.active().end;
  }

  const std::map<Sequence, std::vector<ObjectId>>& written() const { return written_; }
  std::vector<std::byte>& bytes(std::size_t segment) {
    return disk_.content(storage_.path(names_.at(segment)));
  }
  std::uint64_t used() const { return used_; }
  const Storage& storage() const { return storage_; }
  const std::string& name(std::size_t segment) const { return names_.at(segment); }
  std::size_t segments() const { return names_.size(); }
  SimulatedDisk& disk() { return disk_; }

  /// Everything found, after checking that it was written.
  struct Found {
    ScanResult scan;
    std::vector<Sequence> sequences;
  };
  Found scan(const std::optional<Cursor>& cursor = {}) {
    Found found;
    SegmentFiles files;
    REQUIRE_FALSE(load_segments(storage_, {}, files));
    found.scan = scan_journal(storage_, files.segments, cursor, ScanFrom::cursor,
                              [&](const Segment&, const ScannedRecord& record,
                                  const std::vector<ObjectId>& ids, std::uint64_t) {
                                REQUIRE(written_.at(record.sequence) == ids);
                                found.sequences.push_back(record.sequence);
                              });
    return found;
  }

 private:
  void add(BatchBuffer& buffer) {
    const auto sequence = static_cast<Sequence>(written_.size() + 1);
    std::vector<ObjectId> ids;
    for (ObjectId id = 0; id < 5; ++id) ids.push_back(static_cast<ObjectId>(sequence) * 100 + id);
    std::vector<std::byte> payload;
    codec::encode_ids(ids, payload);
    RecordHeader header;
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    header.payload_checksum = codec::crc32c(payload);
    buffer.add(header, payload, {sequence, {}, 0, 0, false}, ids, {});
    written_[sequence] = ids;
  }

  SimulatedDisk disk_{1};
  const Storage storage_{disk_, "q"};
  std::map<Sequence, std::vector<ObjectId>> written_;
  std::vector<std::string> names_;
  std::uint64_t used_ = 0;
};

constexpr std::uint64_t first_record = block_size + batch_header_size;

}  // namespace

TEST_CASE("whichever byte is flipped, at most its own record is lost and none invented") {
  SmallJournal journal(3);
  auto& bytes = journal.bytes(0);
  for (std::size_t at = 0; at < journal.used(); ++at) {
    bytes[at] ^= std::byte{0x10};
    const auto found = journal.scan();
    CAPTURE(at);
    REQUIRE(found.sequences.size() >= (at < 3 * block_size ? 8u : 6u));
    REQUIRE(std::is_sorted(found.sequences.begin(), found.sequences.end()));
    if (at < 3 * block_size) REQUIRE(found.scan.lost_records == 9 - found.sequences.size());
    bytes[at] ^= std::byte{0x10};
  }
  CHECK(journal.scan().sequences.size() == 9);
}

TEST_CASE("damage below what a later batch proves durable is corruption, with its sequences") {
  SmallJournal journal(3);
  std::memset(journal.bytes(0).data() + first_record, 0, 24);
  const auto found = journal.scan();
  CHECK(found.scan.lost_records == 1);
  REQUIRE(found.scan.lost.size() == 1);
  CHECK(found.scan.lost[0].first == 1);
  CHECK(found.scan.lost[0].last == 1);
  CHECK(found.scan.lost[0].name == journal.name(0));
  CHECK(found.sequences.size() == 8);
}

TEST_CASE("damage above what is proven durable is a torn tail, zeros included") {
  for (const auto value : {0x00, 0xa5}) {
    SmallJournal journal(3);
    std::memset(journal.bytes(0).data() + 3 * block_size + batch_header_size + 40, value, 2000);
    const auto found = journal.scan();
    CHECK(found.scan.lost_records == 0);
    CHECK(found.scan.torn_bytes > 0);
    CHECK(found.sequences.size() >= 6);
    CHECK(found.scan.greatest == 9);
  }
}

TEST_CASE("the cursor of a clean stop proves the last batch, too") {
  SmallJournal journal(3);
  std::memset(journal.bytes(0).data() + 3 * block_size, 0, 2000);
  CHECK(journal.scan().scan.lost_records == 0);
  const auto found = journal.scan(Cursor{77, 1, 0, 9, {}, 2});
  CHECK(found.scan.lost_records == 3);
}

TEST_CASE("a segment that is cut off at a batch's end is missed by its successor") {
  SmallJournal journal(9);
  REQUIRE(journal.segments() == 2);
  journal.bytes(0).resize(segment_bytes - 2 * block_size);
  CHECK(journal.scan().scan.lost_records == 6);
}

TEST_CASE("a missing middle segment is corruption, a trimmed one is not") {
  SmallJournal journal(16);
  REQUIRE(journal.segments() == 3);
  REQUIRE_FALSE(journal.storage().remove(journal.name(0)));
  CHECK(journal.scan(Cursor{77, 1, 21, 48, {}, 4}).scan.lost_records == 0);
  CHECK(journal.scan(Cursor{77, 1, 20, 48, {}, 4}).scan.lost_records == 1);
  REQUIRE_FALSE(journal.storage().remove(journal.name(1)));
  CHECK(journal.scan(Cursor{77, 1, 21, 48, {}, 4}).scan.lost_records == 21);
}

TEST_CASE("strict refuses a damaged queue; otherwise it opens, and again the same") {
  SmallJournal journal(3);
  std::memset(journal.bytes(0).data() + first_record, 0xff, 24);
  Recovered recovered;
  CHECK(recover(journal.storage(), {segment_bytes, true}, {}, recovered) == Error::corrupt);
  for (int i = 0; i < 2; ++i) {
    recovered = {};
    std::string logged;
    const auto log = [&](LogLevel, std::string_view message) { logged += message; };
    REQUIRE_FALSE(recover(journal.storage(), {segment_bytes, false}, log, recovered));
    CHECK(recovered.report.lost_records == 1);
    CHECK(recovered.report.callbacks == 8);
    CHECK(logged.find("[1..1]") != std::string::npos);
    CHECK_FALSE(journal.disk()
                    .content("q/quarantine/" + journal.name(0) + "." + std::to_string(first_record))
                    .empty());
  }
}

TEST_CASE("a foreign, an empty and a doubled segment are set aside") {
  SmallJournal journal(3);
  auto& disk = journal.disk();
  const auto copy_of = journal.bytes(0);
  const auto plant = [&](const char* name, std::span<const std::byte> bytes) {
    const auto file = journal.storage().open(name, FileSystem::Mode::create);
    REQUIRE(file);
    REQUIRE_FALSE(write_all(**file, bytes, 0));
  };
  plant("0000000000000007.journal", copy_of);
  plant("0000000000000008.journal", std::vector<std::byte>(segment_bytes));
  Recovered recovered;
  REQUIRE_FALSE(recover(journal.storage(), {segment_bytes, false}, {}, recovered));
  CHECK(recovered.report.callbacks == 9);
  CHECK(recovered.next_number == 9);
  CHECK_FALSE(disk.content("q/quarantine/0000000000000007.journal").empty());
  CHECK_FALSE(disk.content("q/quarantine/0000000000000008.journal").empty());
}

TEST_CASE("a cursor that is damaged or lost means reading everything again") {
  SmallJournal journal(3);
  REQUIRE_FALSE(CursorFile(journal.storage()).store({77, 1, 5, 9, {}, 2}));
  Recovered recovered;
  REQUIRE_FALSE(recover(journal.storage(), {segment_bytes, false}, {}, recovered));
  CHECK(recovered.report.callbacks == 4);
  journal.disk().content("q/cursor")[33] ^= std::byte{1};
  recovered = {};
  REQUIRE_FALSE(recover(journal.storage(), {segment_bytes, false}, {}, recovered));
  CHECK(recovered.report.callbacks == 9);
}

TEST_CASE("a cursor ahead of the segments is taken back, and its sequences are not used again") {
  SmallJournal journal(3);
  REQUIRE_FALSE(CursorFile(journal.storage()).store({77, 1, 500, 500, {}, 2}));
  Recovered recovered;
  REQUIRE_FALSE(recover(journal.storage(), {segment_bytes, false}, {}, recovered));
  CHECK(recovered.report.callbacks == 0);
  CHECK(recovered.report.lost_records == 0);
  CHECK(recovered.greatest == 500);
}

TEST_CASE("what an earlier use left in a recycled file never counts") {
  SmallJournal journal(7);
  auto header = *decode_segment_header(journal.bytes(0));
  header.number = 2;
  header.first_sequence = 22;
  header.seed = segment_seed(header.queue, header.number);
  encode(header, std::span(journal.bytes(0)).first(block_size));
  CHECK(journal.scan().sequences.empty());
}

}  // namespace postoffice::journal
