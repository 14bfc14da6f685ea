// The file queue with its threads: group commit, backlog, failures, trimming.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <thread>
#include <tuple>

#include "conformance/queue_conformance.hpp"
#include "journal/journal_queue.hpp"
#include "journal/simulated_disk.hpp"
#include "postoffice/defaults/journal_inspect.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::journal {
namespace {

using conformance::eventually;
using conformance::ids_of;
using conformance::Mailbox;

FileQueueOptions small_options(std::string directory) {
  FileQueueOptions options;
  options.directory = std::move(directory);
  options.segment_bytes = 64 << 10;
  return options;
}

std::unique_ptr<FileQueue> open(const FileQueueOptions& options, Clock& clock) {
  auto queue = FileQueue::open(options, clock);
  REQUIRE_MESSAGE(queue, queue.error().text());
  return *std::move(queue);
}

std::pair<std::error_code, Receipt> append(Queue& queue, std::vector<ObjectId> ids) {
  Mailbox<Receipt> receipts;
  queue.append(ids, {}, receipts.done());
  REQUIRE(receipts.wait(1));
  return receipts.at(0);
}

/// Reads until `count` callbacks were seen, checking that each follows the one before.
std::vector<Sequence> read_all(Queue& queue, std::size_t count, std::size_t ids_max = 5000) {
  std::vector<Sequence> seen;
  while (seen.size() < count) {
    const auto delivery = conformance::read(queue, ids_max);
    for (std::size_t i = 0; i < delivery.entries.size(); ++i) {
      const auto sequence = delivery.entries[i].sequence;
      REQUIRE((seen.empty() || sequence == seen.back() + 1));
      REQUIRE(ids_of(delivery, i).at(0) == static_cast<ObjectId>(sequence));
      seen.push_back(sequence);
    }
  }
  return seen;
}

/// Appends callbacks whose first id is their sequence (which starts at `first`).
void append_many(Queue& queue, Sequence first, int count, int ids = 20) {
  Mailbox<Receipt> receipts;
  for (int i = 0; i < count; ++i) {
    std::vector<ObjectId> list;
    for (int k = 0; k < ids; ++k) {
      list.push_back(static_cast<ObjectId>(first) + i + k * 1'000'000);
    }
    queue.append(list, {}, receipts.done());
  }
  REQUIRE(receipts.wait(static_cast<std::size_t>(count)));
  for (int i = 0; i < count; ++i) REQUIRE_FALSE(receipts.at(static_cast<std::size_t>(i)).first);
}

struct OnDisk {
  std::unique_ptr<FileQueue> open() { return journal::open(options, clock); }
  /// Its flushes take longer.
  std::unique_ptr<FileQueue> open_slow(std::chrono::microseconds delay) {
    return *JournalQueue::open(posix_file_system(), options, clock, {}, {.flush_delay = delay});
  }

  testing::TemporaryDirectory directory;
  testing::ManualClock clock;
  FileQueueOptions options = small_options(directory.path());
};

struct Simulated {
  /// With threads of its own.
  std::unique_ptr<JournalQueue> open() {
    auto queue = JournalQueue::open(disk, small_options("q"), clock, {});
    REQUIRE_MESSAGE(queue, queue.error().text());
    return *std::move(queue);
  }

  SimulatedDisk disk{6};
  testing::ManualClock clock;
};

}  // namespace

TEST_CASE_FIXTURE(OnDisk, "what many threads were promised at once is there after reopening") {
  constexpr std::size_t threads = 8;
  constexpr int each = 300;
  std::mutex mutex;
  std::map<Sequence, ObjectId> promised;
  {
    const auto queue = open();
    std::vector<std::thread> senders;
    for (std::size_t t = 0; t < threads; ++t) {
      senders.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          const auto id = static_cast<ObjectId>(t * 10'000) + i;
          const std::vector<ObjectId> ids{id, id};
          queue->append(ids, {}, [&, id](std::error_code error, Receipt receipt) {
            const std::lock_guard lock(mutex);
            if (!error) promised[receipt.sequence] = id;
          });
        }
      });
    }
    for (auto& sender : senders) sender.join();
  }
  REQUIRE(promised.size() == threads * each);
  const auto queue = open();
  CHECK(queue->recovery().callbacks == threads * each);
  CHECK(queue->recovery().torn_bytes == 0);
  std::size_t count = 0;
  while (count < threads * each) {
    const auto delivery = conformance::read(*queue, 500);
    for (std::size_t i = 0; i < delivery.entries.size(); ++i, ++count) {
      CHECK(ids_of(delivery, i) ==
            std::vector<ObjectId>{promised.at(delivery.entries[i].sequence)});
    }
  }
}

TEST_CASE_FIXTURE(OnDisk, "a second queue on one directory is refused, also within one process") {
  auto first = open();
  const auto second = FileQueue::open(options, clock);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::locked);
  CHECK(second.error().message.starts_with(directory.path() + ": "));
  first.reset();
  CHECK(FileQueue::open(small_options(directory.path()), clock));
}

TEST_CASE("options that cannot work and directories that cannot be used are told apart") {
  testing::ManualClock clock;
  const auto failure_of = [&](const FileQueueOptions& options) {
    const auto queue = FileQueue::open(options, clock);
    return queue ? Failure() : queue.error();
  };
  const testing::TemporaryDirectory directory;
  const auto refused = [&](const char* name, auto change) {
    auto options = small_options(directory.path());
    change(options);
    const auto failure = failure_of(options);
    CHECK(failure.code == Error::bad_options);
    CHECK(failure.message.starts_with(std::string(name) + " must "));
  };
  refused("directory", [](auto& options) { options.directory.clear(); });
  refused("segment_bytes", [](auto& options) { options.segment_bytes = 1; });
  refused("bytes_max", [](auto& options) { options.bytes_max = 1; });
  std::ofstream(directory.path() + "/file").put('x');
  const auto failure = failure_of(small_options(directory.path() + "/file"));
  CHECK(failure.code == std::errc::not_a_directory);
  CHECK(failure.message.starts_with(directory.path() + "/file: "));
  CHECK_FALSE(failure_of(small_options(directory.path() + "/a/b")));
}

TEST_CASE_FIXTURE(OnDisk,
                  "a backlog beyond memory is read in order, once, and memory takes over again") {
  options.memory_bytes_max = 20'000;
  const auto queue = open();
  append_many(*queue, 1, 3000);
  const auto seen = read_all(*queue, 1000).size();
  append_many(*queue, 3001, 1000);
  read_all(*queue, 4000 - seen);
  append_many(*queue, 4001, 10);
  const auto last = read_all(*queue, 10);
  CHECK(last.front() == 4001);
  CHECK(eventually([&] { return queue->progress().frontier == clock.now(); }));
}

TEST_CASE_FIXTURE(OnDisk, "appending and reading race through memory and files without a gap") {
  options.memory_bytes_max = 4'000;
  const auto queue = open();
  std::thread sender([&] {
    for (Sequence first = 1; first <= 4000; first += 100) append_many(*queue, first, 100, 3);
  });
  Sequence read = 0;
  while (read < 4000) {
    read = read_all(*queue, 1).back();
    if (read % 7 == 0) queue->acknowledge(read);
  }
  sender.join();
  CHECK(read == 4000);
}

TEST_CASE_FIXTURE(OnDisk,
                  "what was not acknowledged is read again from the files by the next run") {
  {
    const auto queue = open();
    append_many(*queue, 1, 2000);
    queue->acknowledge(read_all(*queue, 1500).at(1233));
  }
  const auto queue = open();
  CHECK(queue->recovery().callbacks == 2000 - 1234);
  CHECK(queue->recovery().ids == (2000 - 1234) * 20);
  CHECK(read_all(*queue, 2000 - 1234).front() == 1235);
}

TEST_CASE("time goes on from the newest receipt although the clock was set back") {
  testing::TemporaryDirectory directory;
  testing::ManualClock ahead;
  const auto before = append(*open(small_options(directory.path()), ahead), {1}).second;
  testing::ManualClock behind(before.received_at - std::chrono::hours(1));
  const auto queue = open(small_options(directory.path()), behind);
  CHECK(behind.now() == before.received_at);
  CHECK(queue->progress().frontier == before.received_at);
  CHECK(append(*queue, {2}).second.received_at == before.received_at);
}

// One after the other, so that the flusher has gone to sleep before most of them: a single append
// may find it on its way to sleep, and then needs no waking.
TEST_CASE_FIXTURE(OnDisk, "no callback waits for another one to be flushed") {
  const auto queue = open();
  for (ObjectId id = 1; id <= 200; ++id) REQUIRE_FALSE(append(*queue, {id}).first);
}

TEST_CASE_FIXTURE(OnDisk, "acknowledged segments go, and the disk holds no more than it must") {
  const auto queue = open();
  for (Sequence first = 1; first < 20'000; first += 1000) {
    append_many(*queue, first, 1000);
    queue->acknowledge(read_all(*queue, 1000).back());
  }
  CHECK(eventually([&] { return queue->statistics().bytes <= 3 * (64 << 10); }));
}

TEST_CASE_FIXTURE(Simulated, "the cursor is durable before a segment goes") {
  {
    const auto queue = open();
    append_many(*queue, 1, 2000);
    queue->acknowledge(read_all(*queue, 2000).back());
    CHECK(eventually([&] { return queue->statistics().bytes <= 3 * (64 << 10); }));
  }
  bool cursor_written = false;
  bool cursor_durable = false;
  int released = 0;
  for (const auto& step : disk.log()) {
    using Kind = Operation::Kind;
    if (step.kind == Kind::rename && step.path == "q/cursor") cursor_written = true;
    if (step.kind == Kind::sync_directory) cursor_durable = cursor_durable || cursor_written;
    const bool removed = step.kind == Kind::remove && step.path.ends_with(".journal");
    const bool recycled = step.kind == Kind::rename && step.path == "q/spare.ready";
    if (!removed && !(recycled && step.from.ends_with(".journal"))) continue;
    ++released;
    CHECK(cursor_durable);
  }
  CHECK(released > 0);
}

TEST_CASE_FIXTURE(
    Simulated, "a failed sync fails its appends, is never repeated, and heals in a new segment") {
  Sequence before = 0;
  Sequence after = 0;
  {
    const auto queue = open();
    before = append(*queue, {1}).second.sequence;
    // The spare and the cursor are there: the next sync is the flusher's.
    REQUIRE(eventually([&] { return queue->statistics().bytes == 2 * (64 << 10); }));
    REQUIRE(eventually([&] { return queue->progress().clock_floor == clock.now(); }));
    disk.fail_sync(1);
    CHECK(append(*queue, {2}).first == Error::storage_error);
    REQUIRE(eventually([&] { return queue->statistics().writable; }));
    const auto [failure, receipt] = append(*queue, {3});
    CHECK_FALSE(failure);
    after = receipt.sequence;
    CHECK(after > before + 1);
    CHECK(queue->flushes().failures == 1);
    CHECK(conformance::read(*queue, 1).entries.at(0).sequence == before);
    CHECK(conformance::read(*queue, 1).entries.at(0).sequence == after);
    CHECK(eventually([&] { return queue->progress().frontier == clock.now(); }));
  }
  CHECK(disk.syncs_after_failure() == 0);
  disk.cut_power();
  const auto queue = open();
  CHECK(queue->recovery().callbacks == 2);
  CHECK(queue->recovery().lost_records == 0);
}

TEST_CASE_FIXTURE(Simulated, "a failed append does not hold the frontier back") {
  const auto queue = open();
  append(*queue, {1});
  conformance::read(*queue);
  disk.fail_all_syncs(true);
  CHECK(append(*queue, {2}).first == Error::storage_error);
  clock.advance(Duration(5000));
  CHECK(eventually([&] { return queue->progress().frontier == clock.now(); }));
  CHECK(eventually([&] { return !queue->statistics().writable; }));
  CHECK(append(*queue, {3}).first == Error::storage_error);
  disk.fail_all_syncs(false);
  CHECK(eventually([&] { return queue->statistics().writable; }));
  CHECK_FALSE(append(*queue, {4}).first);
}

TEST_CASE_FIXTURE(Simulated, "a full disk is met by the reserve first, refused last, and heals") {
  const auto queue = open();
  append(*queue, {1});
  REQUIRE(eventually([&] { return queue->statistics().bytes == 2 * (64 << 10); }));
  disk.set_full(true);
  int accepted = 0;
  std::error_code refusal;
  while (!refusal && accepted < 1000) {
    refusal = append(*queue, {1, 2, 3}).first;
    accepted += refusal ? 0 : 1;
  }
  CHECK(refusal == Error::storage_full);
  CHECK(accepted > 20);  // the rest of the segment, and all of the reserve
  CHECK_FALSE(queue->statistics().writable);
  disk.set_full(false);
  REQUIRE(eventually([&] { return queue->statistics().writable; }));
  CHECK_FALSE(append(*queue, {4}).first);
}

TEST_CASE_FIXTURE(OnDisk,
                  "the limit of all segments together is kept, and trimming makes room again") {
  options.bytes_max = 3 * (64 << 10);
  const auto queue = open();
  std::error_code refusal;
  Sequence last = 0;
  for (int i = 0; i < 1000 && !refusal; ++i) {
    Receipt receipt;
    std::tie(refusal, receipt) = append(*queue, {static_cast<ObjectId>(last) + 1});
    if (!refusal) last = receipt.sequence;
  }
  CHECK(refusal == Error::storage_full);
  CHECK(queue->statistics().bytes <= options.bytes_max);
  queue->acknowledge(read_all(*queue, last).back());
  REQUIRE(eventually([&] { return queue->statistics().writable; }));
  CHECK_FALSE(append(*queue, {1}).first);
}

TEST_CASE_FIXTURE(OnDisk, "what waits for the disk is bounded, and what is too large is refused") {
  options.buffer_bytes_max = 10'000;
  const auto queue = open_slow(std::chrono::milliseconds(50));
  Mailbox<Receipt> receipts;
  std::vector<ObjectId> ids(100);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i) << 40;
  for (int i = 0; i < 200; ++i) queue->append(ids, {}, receipts.done());
  REQUIRE(receipts.wait(200));
  int refused = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    if (receipts.at(i).first == Error::not_durable)
      ++refused;
    else
      CHECK_FALSE(receipts.at(i).first);
  }
  CHECK(refused > 0);
  CHECK(refused < 200);
  std::vector<ObjectId> huge(20'000);
  for (std::size_t i = 0; i < huge.size(); ++i) huge[i] = static_cast<ObjectId>(i) << 40;
  CHECK(append(*queue, huge).first == Error::not_durable);
}

TEST_CASE_FIXTURE(OnDisk, "a flush larger than a segment is spread over several") {
  {
    const auto queue = open_slow(std::chrono::milliseconds(20));
    append_many(*queue, 1, 5000);
    CHECK(queue->flushes().flushes < 100);
    read_all(*queue, 5000);
  }
  const auto queue = open();
  CHECK(queue->recovery().callbacks == 5000);
  read_all(*queue, 5000);
}

TEST_CASE_FIXTURE(OnDisk, "a queue at work can be inspected and is found sound") {
  const auto queue = open();
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    for (Sequence first = 1; !stop; first += 100) {
      append_many(*queue, first, 100, 3);
      queue->acknowledge(read_all(*queue, 100).front());
    }
  });
  for (int i = 0; i < 30; ++i) {
    Sequence before = 0;
    const auto summary = inspect_journal(directory.path(), [&](const JournalRecord& record) {
      CHECK(record.sequence > before);
      before = record.sequence;
      CHECK(record.ids.front() == static_cast<ObjectId>(record.sequence));
    });
    REQUIRE(summary);
    CHECK(summary->sound());
  }
  stop = true;
  sender.join();
  const auto summary = inspect_journal(directory.path(), {});
  REQUIRE(summary);
  CHECK(summary->last == queue->progress().last_durable);
  CHECK(summary->torn_bytes == 0);
  const auto nowhere = inspect_journal(directory.path() + "/nowhere", {});
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == std::errc::no_such_file_or_directory);
}

}  // namespace postoffice::journal
