// A disk that hangs, is slow, or loses its files to somebody else, under the file queue.
#include "journal/stepped.hpp"
#include "postoffice/defaults/journal_inspect.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::journal {

using namespace std::chrono_literals;

namespace {

struct Troubled : Stepped {
  Troubled() { options.segment_bytes = 64 << 10; }

  void look() {
    clock.advance(1s);
    queue->step(Worker::watcher);
  }

  void small_segments() { options.segment_bytes = 16 << 10; }

  std::string active() {
    std::string newest;
    const auto names = *disk.list("q");
    for (const auto& name : names) {
      if (name.ends_with(".journal")) newest = std::max(newest, name);
    }
    return "q/" + newest;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Troubled, "a flush that hangs is no secret while it hangs, nor is its end (S9)") {
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  CHECK(queue->statistics().writable);
  int syncs = 0;
  disk.during_syncs([&] {
    if (++syncs > 1) return;
    clock.advance(700ms);
    CHECK(queue->statistics().writable);
    clock.advance(200ms);
    CHECK_FALSE(queue->statistics().writable);
    CHECK(queue->trouble().find("the disk does not answer: a flush takes 0.9 s") == 0);
    CHECK(queue->advice().find("dmesg") != std::string::npos);
    CHECK(queue->flushes().overdue == 900ms);
    queue->step(Worker::watcher);
    CHECK(times_said("callbacks are refused: the disk does not answer") == 1);
  });
  CHECK_FALSE(append(2));
  CHECK_FALSE(queue->statistics().writable);  // it came too late for its sender
  disk.during_syncs({});
  CHECK_FALSE(append(3));
  CHECK(queue->statistics().writable);
  CHECK(queue->flushes().overdue == 0ms);
  look();
  CHECK(times_said("callbacks can be made durable again") == 1);
  CHECK(times_said("callbacks are refused") == 1);
}

TEST_CASE_FIXTURE(Troubled, "of a disk that syncs slowly nobody says that it is ready (S9)") {
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  disk.during_syncs([&] { clock.advance(1500ms); });
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(append(2));
    CHECK_FALSE(queue->statistics().writable);
    look();
  }
  CHECK(times_said("callbacks are refused") == 1);
  disk.during_syncs({});
  clock.advance(1s);
  step_all();  // nobody sends anything now: the cursor shows that it is over
  CHECK(queue->statistics().writable);
  clock.advance(1s);
  step_all();
  CHECK(times_said("callbacks can be made durable again") == 1);
}

TEST_CASE_FIXTURE(Troubled,
                  "a flush that was late for a moment is told, though all is well again") {
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  const auto be_late_once = [&] {
    disk.during_syncs([&] { clock.advance(900ms); });
    CHECK_FALSE(append(2));
    disk.during_syncs({});
    CHECK_FALSE(append(3));  // in time, before anybody looks
  };
  be_late_once();
  look();
  CHECK(times_said("callbacks were refused for a moment: a flush took 0.9 s") == 1);
  CHECK(times_said("callbacks are refused") == 0);
  be_late_once();
  be_late_once();
  look();
  CHECK(times_said("callbacks were refused for a moment") == 1);  // one line in ten seconds
  for (int i = 0; i < 10; ++i) look();
  CHECK(times_said("callbacks were refused for a moment: a flush took 0.9 s, 2 times") == 1);
}

TEST_CASE_FIXTURE(Troubled, "how full the disk becomes is told before callbacks are refused (S9)") {
  constexpr auto segment = 64u << 10;
  options.free_bytes_min = 1 << 20;
  const auto set_free = [&](std::uint64_t segments) {
    disk.set_space({(1 << 20) + segments * segment, 1 << 30});
  };
  set_free(10);
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  look();
  auto space = queue->space();
  CHECK(space.disk_free == (1 << 20) + 10 * segment);
  CHECK(space.disk_size == 1 << 30);
  CHECK(space.left_to_others == 1 << 20);
  CHECK(space.held == 2 * segment);  // the spare is a file, too
  CHECK(space.limit == 12 * segment);
  CHECK_FALSE(space.growth_stopped);
  CHECK(times_said("added") == 0);

  set_free(0);
  look();
  space = queue->space();
  CHECK(space.limit == space.held);
  CHECK(space.growth_stopped);
  CHECK_FALSE(space.spare_taken);
  CHECK(times_said("no file may be added: 1 MiB are free on the disk") == 1);

  while (segments() == 1) REQUIRE_FALSE(append(1));
  for (int i = 0; i < 11; ++i) look();
  CHECK(queue->space().spare_taken);
  CHECK(times_said("the spare file is in use") == 1);

  while (!append(1)) {
  }
  for (int i = 0; i < 2; ++i) look();
  CHECK(times_said("cannot make a segment") == 1);

  set_free(10);
  for (int i = 0; i < 11; ++i) clock.advance(1s), step_all();
  CHECK_FALSE(queue->space().growth_stopped);
  CHECK(times_said("files may be added again") == 1);
  CHECK(times_said("callbacks can be made durable again") == 1);
  CHECK_FALSE(append(1));
}

TEST_CASE_FIXTURE(Troubled, "a limit of two files is no trouble while the second one is spare") {
  options.bytes_max = 2 * options.segment_bytes;
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  look();
  CHECK(queue->space().growth_stopped);
  CHECK(queue->space().limit == options.bytes_max);
  CHECK_FALSE(queue->space().spare_taken);
  CHECK(times_said("added") == 0);
}

TEST_CASE_FIXTURE(Troubled, "ready is only who can begin a file in time") {
  disk.set_full(true);
  open();
  step_all();
  CHECK_FALSE(queue->statistics().writable);
  CHECK(queue->trouble() == "the first file of the queue does not exist yet");
  CHECK(queue->advice().find("make room on the disk") == 0);
  disk.set_full(false);
  clock.advance(2s);
  step_all();
  CHECK(queue->statistics().writable);
  CHECK_FALSE(append(1));
}

TEST_CASE_FIXTURE(Troubled, "a segment removed under the process loses nothing, even by kill -9") {
  open();
  REQUIRE_FALSE(append(1));
  REQUIRE_FALSE(append(2));
  step_all();
  const auto removed = active();
  for (const auto& name : {removed, std::string("q/spare.ready"), std::string("q/cursor")}) {
    disk.lose(name);
  }
  REQUIRE_FALSE(append(3));  // not noticed yet
  clock.advance(1s);
  queue->step(Worker::watcher);
  CHECK(queue->statistics().writable);
  REQUIRE_FALSE(append(4));
  CHECK(active() > removed);
  CHECK(queue->at_risk() == 3);
  for (int i = 0; i < 3; ++i) clock.advance(1s), step_all();
  CHECK(queue->at_risk() == 0);
  CHECK(times_said("was removed while this process runs") == 1);
  CHECK(times_said("is restored") == 1);
  die();
  got.clear();
  open();
  step_all();
  CHECK(got == std::vector<Sequence>{1, 2, 3, 4});
  CHECK(queue->recovery().lost_records == 0);
}

TEST_CASE_FIXTURE(Troubled, "older segments removed: said, what is in memory is asked for again") {
  small_segments();
  open();
  while (segments() < 3) REQUIRE_FALSE(append(1));
  step_all();
  disk.lose("q/0000000000000001.journal");
  clock.advance(1s);
  queue->step(Worker::watcher);
  CHECK(times_said("1 files with unfinished callbacks were removed") == 1);
  const auto at_risk = queue->at_risk();
  CHECK(at_risk > 0);
  CHECK(queue->progress().acknowledge_target == at_risk);  // they were the first
  queue->acknowledge(at_risk);
  CHECK(queue->at_risk() == 0);
  clock.advance(1s);
  step_all();
  CHECK(queue->progress().acknowledge_target == 0);
  CHECK_FALSE(said("cannot release"));
}

TEST_CASE_FIXTURE(Troubled, "what nobody has read yet of a removed segment stops nobody") {
  small_segments();
  leave_fifty_to_a_disk_that_does_not_read();
  disk.fail_reads(false);
  disk.lose("q/0000000000000001.journal");
  for (int i = 0; i < 60; ++i) clock.advance(200ms), step_all();
  CHECK(said("lost callbacks ["));
  REQUIRE_FALSE(append(51));
  step_all();
  CHECK(got.back() == 51);
}

TEST_CASE_FIXTURE(Troubled, "what could not be removed is tried again, with a line at each turn") {
  small_segments();
  open();
  while (segments() < 4) REQUIRE_FALSE(append(1));
  step_all();
  queue->acknowledge(got.back());
  clock.advance(1s);
  disk.fail_removals(true);
  step_all();
  CHECK(segments() == 4);
  for (int i = 0; i < 5; ++i) clock.advance(1s), step_all();
  CHECK(times_said("cannot release") == 3);
  disk.fail_removals(false);
  for (int i = 0; i < 3; ++i) clock.advance(2s), step_all();
  CHECK(segments() == 1);
  CHECK(times_said("released") == 3);
  CHECK(times_said("cannot release") == 3);
  CHECK(queue->statistics().bytes <= 2 * options.segment_bytes);
}

TEST_CASE("released is not lost, although an older file could not be removed") {
  testing::TemporaryDirectory directory;
  testing::ManualClock clock;
  FileQueueOptions options;
  options.directory = directory.path();
  options.segment_bytes = 16 << 10;
  const auto queue = *JournalQueue::open(posix_file_system(), options, clock, {},
                                         Workers{false, std::chrono::steady_clock::now});
  const std::vector<ObjectId> ids{1};
  const auto first = directory.path() + "/0000000000000001.journal";
  for (int i = 0; i < 12; ++i) {
    queue->append(ids, {}, [](std::error_code, const Receipt&) {});
    while (queue->step(Worker::flusher)) {
    }
    if (i == 0) std::filesystem::copy_file(first, directory.path() + "/kept");
  }
  queue->read(100, [](std::error_code, const Delivery&) {});
  queue->acknowledge(12);
  for (int i = 0; i < 5; ++i) queue->step(Worker::maintainer);
  std::filesystem::rename(directory.path() + "/kept", first);
  const auto summary = *inspect_journal(directory.path(), {});
  CHECK(summary.segments.size() == 2);
  CHECK(summary.acknowledged == 12);
  CHECK(summary.lost_records == 0);
  CHECK(summary.sound());
}

}  // namespace postoffice::journal
