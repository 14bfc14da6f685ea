// The file queue on a simulated disk, its workers stepped by hand: no threads, no waiting.
#include "journal/stepped.hpp"

namespace postoffice::journal {

using namespace std::chrono_literals;

TEST_CASE_FIXTURE(Stepped, "a segment whose first batch could not be synced is trimmed, too (S9)") {
  options.segment_bytes = 16 << 10;
  open();
  disk.fail_sync(2);  // the first is the header's
  REQUIRE(append(1));
  REQUIRE_FALSE(append(2));
  REQUIRE(segments() == 2);
  queue->acknowledge(got.back());
  clock.advance(1s);
  step_all();
  CHECK(segments() == 1);
  CHECK(queue->statistics().bytes <= 2 * options.segment_bytes);  // and a spare
}

TEST_CASE_FIXTURE(Stepped, "sequences that nobody will ever read do not keep a segment") {
  options.segment_bytes = 16 << 10;
  open();
  REQUIRE_FALSE(append(1));
  disk.fail_sync(1);
  REQUIRE(append(2));  // its record may or may not be on the disk
  REQUIRE_FALSE(append(3));
  queue->acknowledge(got.back());
  clock.advance(1s);
  step_all();
  die();
  open();
  disk.fail_sync(1);
  REQUIRE(append(4));
  clock.advance(1s);
  REQUIRE_FALSE(append(5));
  queue->acknowledge(got.back());
  for (int i = 0; i < 3; ++i) clock.advance(1s), step_all();
  CHECK(queue->progress().acknowledged >= queue->progress().last_durable);
  CHECK(segments() == 1);
}

TEST_CASE_FIXTURE(Stepped, "a restart that finds nothing to read does not keep old segments") {
  options.segment_bytes = 16 << 10;
  open();
  REQUIRE_FALSE(append(1));
  queue->acknowledge(1);
  clock.advance(1s);
  step_all();
  disk.fail_sync(1);
  REQUIRE(append(2));
  die();
  open();
  REQUIRE_FALSE(append(3));
  queue->acknowledge(got.back());
  for (int i = 0; i < 3; ++i) clock.advance(1s), step_all();
  CHECK(segments() == 1);
}

TEST_CASE_FIXTURE(Stepped, "a disk that does not read for a while loses nothing") {
  leave_fifty_to_a_disk_that_does_not_read();
  for (int i = 0; i < 10; ++i) clock.advance(200ms), step_all();
  CHECK(got.size() < 50);
  const auto frontier = queue->progress().frontier;
  disk.fail_reads(false);
  for (int i = 0; i < 3; ++i) clock.advance(200ms), step_all();
  CHECK(got.size() == 50);
  CHECK(frontier < queue->progress().frontier);
  CHECK_FALSE(said("lost"));
}

TEST_CASE_FIXTURE(Stepped,
                  "a disk that never reads again stops nobody, and what is lost is named") {
  leave_fifty_to_a_disk_that_does_not_read();
  for (int i = 0; i < 60; ++i) clock.advance(200ms), step_all();
  CHECK(said("lost callbacks [1..50]"));
  disk.fail_reads(false);
  REQUIRE_FALSE(append(51));
  step_all();
  CHECK(got.back() == 51);
}

TEST_CASE_FIXTURE(Stepped,
                  "a disk that runs low: the spare first, refusals last, healed by trimming") {
  options.segment_bytes = 16 << 10;
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  disk.set_space({512 << 20, 100ull << 30});  // just what is left to others
  disk.set_full(true);
  std::size_t accepted = 0;
  while (!append(1)) ++accepted;
  CHECK(segments() == 2);
  CHECK(accepted > 2);
  CHECK(append(1) == Error::storage_full);
  CHECK_FALSE(queue->statistics().writable);
  clock.advance(10s);
  step_all();
  CHECK(append(1) == Error::storage_full);
  queue->acknowledge(got.back());
  for (int i = 0; i < 10; ++i) clock.advance(1s), step_all();
  CHECK_FALSE(append(1));
  CHECK(queue->statistics().writable);
  CHECK(queue->statistics().bytes <= 2 * options.segment_bytes);
}

TEST_CASE_FIXTURE(Stepped,
                  "what a killed process had on record counts once this one has recorded it (S2)") {
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  const auto recorded = queue->progress().clock_floor;
  CHECK(recorded > Timestamp{});
  die();
  open();
  CHECK(queue->progress().clock_floor == Timestamp{});  // with the power all that was found may go
  step_all();
  CHECK(queue->progress().clock_floor >= recorded);
}

TEST_CASE(
    "what a killed process left in the page cache is on the disk before it is relied on (S1)") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    Stepped scene(seed);
    scene.options.segment_bytes = 16 << 10;
    scene.open();
    REQUIRE_FALSE(scene.append(1));
    scene.disk.die_after(1);  // the record is written, but not synced
    REQUIRE(scene.append(2));
    scene.queue.reset();
    scene.disk.kill_process();
    const bool fails = seed % 2 == 0;  // the first attempt
    if (fails) scene.disk.fail_sync(1);
    scene.got.clear();
    scene.open();
    scene.step_all();
    REQUIRE(scene.got == std::vector<Sequence>{1, 2});
    CHECK(scene.said("durable yet") == fails);
    scene.queue->acknowledge(1);  // the later one stands for both
    scene.step_all();
    scene.disk.die_after(0);
    scene.queue.reset();
    scene.disk.cut_power();
    scene.got.clear();
    scene.open();
    scene.step_all();
    CHECK(std::find(scene.got.begin(), scene.got.end(), 2) != scene.got.end());
  }
}

TEST_CASE_FIXTURE(Stepped, "what cannot be made sure of holds nothing once it is done with (S9)") {
  options.segment_bytes = 16 << 10;
  open();
  REQUIRE_FALSE(append(1));
  die();
  got.clear();
  disk.fail_sync(1);
  open();
  for (int i = 0; i < 5; ++i) queue->step(Worker::backlog);
  REQUIRE(said("durable yet"));
  REQUIRE(got == std::vector<Sequence>{1});
  disk.fail_reads(true);  // nor later
  queue->acknowledge(1);
  clock.advance(2s);
  step_all();
  disk.fail_reads(false);
  die();
  got.clear();
  open();
  step_all();
  CHECK(got.empty());
}

TEST_CASE_FIXTURE(Stepped, "a newest segment in which nothing waits is not copied at the start") {
  options.segment_bytes = 16 << 10;
  open();
  REQUIRE_FALSE(append(1));
  step_all();
  queue->acknowledge(1);
  clock.advance(1s);
  step_all();
  die();
  open();
  for (const auto& step : disk.log()) CHECK(step.path != "q/copy.tmp");
}

TEST_CASE_FIXTURE(Stepped, "no segment goes before a cursor that covers it is on the disk (S1)") {
  options.segment_bytes = 16 << 10;
  open();
  while (segments() < 4) REQUIRE_FALSE(append(1));
  step_all();
  disk.fail_all_syncs(true);
  queue->acknowledge(got.back());
  clock.advance(1s);
  step_all();
  CHECK(segments() == 4);
  disk.fail_all_syncs(false);
  for (int i = 0; i < 5; ++i) {
    clock.advance(2s);
    step_all();
  }
  CHECK(segments() == 1);
}

TEST_CASE("a killed process and the next one lose no cursor between them (S2)") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::size_t changes = 0; changes < 8; ++changes) {
      CAPTURE(seed);
      CAPTURE(changes);
      Stepped scene(seed);
      scene.options.segment_bytes = 16 << 10;
      scene.open();
      REQUIRE_FALSE(scene.append(1));
      scene.step_all();
      scene.queue->acknowledge(1);
      scene.clock.advance(1s);
      scene.disk.die_after(1);  // the second cursor is written, but not synced
      scene.step_all();
      scene.queue.reset();
      scene.disk.kill_process();
      scene.open();
      scene.disk.die_after(changes);
      scene.step_all();
      scene.queue.reset();
      scene.disk.cut_power();
      scene.open();
      CHECK_FALSE(scene.said("the cursor is unreadable"));
    }
  }
}

TEST_CASE_FIXTURE(Stepped, "what others need of the disk is left to them") {
  options.segment_bytes = 16 << 10;
  options.free_bytes_min = 1 << 20;
  disk.set_space({(1 << 20) + (16 << 10), 1 << 30});
  open();
  step_all();
  CHECK(queue->statistics().bytes == 16 << 10);
  disk.set_space({1 << 20, 1 << 30});
  while (!append(1)) {
  }
  CHECK(segments() == 1);
  disk.set_space({2 << 20, 1 << 30});
  clock.advance(10s);
  step_all();
  CHECK_FALSE(append(1));
}

TEST_CASE_FIXTURE(Stepped,
                  "time goes on from what was recorded, if the machine's clock went back") {
  options.clock_interval = 2s;
  open();
  for (int i = 0; i < 10; ++i) {
    clock.advance(1s);
    (void)queue->progress();  // somebody is told the time, but nothing is received
    step_all();
  }
  const auto told = queue->progress().frontier;
  const auto recorded = queue->progress().clock_floor;
  CHECK(recorded >= told - 3s);
  die();
  testing::ManualClock behind(told - 1h);
  REQUIRE(JournalQueue::open(disk, options, behind, {},
                             Workers{false, std::chrono::steady_clock::now}));
  CHECK(behind.now() >= recorded);
}

}  // namespace postoffice::journal
