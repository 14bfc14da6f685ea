// The journal with small files, killed at every system call that changes a file.
#include <doctest/doctest.h>

#include <set>

#include "call_kills.hpp"
#include "conformance/queue_conformance.hpp"
#include "small_queue.hpp"
#include "trials.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

constexpr auto copy_all = std::filesystem::copy_options::recursive;

/// What the lives of one queue said on their stdout.
struct Said {
  std::map<Sequence, ObjectId> promised;
  Sequence acknowledged = 0;

  void read(const std::string& text) {
    std::istringstream lines(text);
    std::string word;
    Sequence sequence = 0;
    for (ObjectId id = 0; lines >> word >> sequence >> id;) {
      if (word == "promised") {
        CHECK_MESSAGE(promised.emplace(sequence, id).second, "a sequence was given twice");
      } else {
        acknowledged = std::max(acknowledged, sequence);
      }
    }
  }
};

/// Runs the workload, to its end or to the point; returns its exit code.
int live(const std::string& directory, const KillPoint& point, Said& said, KillReport& report) {
  const TemporaryDirectory notes;
  auto command = killed_at(point, notes / "report");
  command.insert(command.end(), {JOURNAL_WORKLOAD, directory, "15"});
  Process process(command);
  const int code = process.exit_code();
  said.read(process.out());
  report = read_kill_report(notes / "report");
  return code;
}

/// Opens it, twice: recovering from a recovery finds the same.
void check_found(const std::string& directory, const Said& said) {
  for (int round = 0; round < 2; ++round) {
    ManualClock clock;
    const auto queue = *FileQueue::open(small_queue(directory), clock);
    CHECK(queue->recovery().lost_records == 0);
    std::map<Sequence, ObjectId> found;
    while (found.size() < queue->recovery().callbacks) {
      const auto delivery = conformance::read(*queue);
      for (const auto& entry : delivery.entries) {
        REQUIRE(entry.ids_end == entry.ids_begin + 1);
        CHECK(found.emplace(entry.sequence, delivery.ids[entry.ids_begin]).second);
      }
    }
    for (const auto& [sequence, id] : said.promised) {
      if (sequence <= said.acknowledged) continue;
      CAPTURE(sequence);
      REQUIRE(found.contains(sequence));
      CHECK(found.at(sequence) == id);
    }
  }
}

}  // namespace

TEST_CASE("the journal is killed at every system call and loses nothing accepted (S1, S10)") {
  const TemporaryDirectory first;
  Said said_first;
  KillReport whole;
  const int first_code = live(first.path(), {}, said_first, whole);
  if (first_code == 77) return skip("tracing is not allowed");
  REQUIRE(first_code == 0);
  const auto points = spread(whole.calls, trials(1000));
  std::map<std::string, int> killed;
  for (const auto& point : points) {
    CAPTURE(point.call);
    CAPTURE(point.after);
    const TemporaryDirectory directory;
    // Half of them in a second life, which begins with the files of the first.
    Said said;
    if (point.call % 2 == 0) {
      said = said_first;
      std::filesystem::copy(first.path(), directory.path(), copy_all);
    }
    KillReport report;
    const int code = live(directory.path(), point, said, report);
    // A run with fewer calls, for its threads met otherwise, may end before the point.
    CHECK(code == (report.call.empty() ? 0 : 128 + SIGKILL));
    if (!report.call.empty()) ++killed[report.call];
    check_found(directory.path(), said);
  }
  int fired = 0;
  for (const auto& [name, count] : killed) fired += count;
  CHECK(fired > static_cast<int>(points.size()) / 2);
  report("journal killed at system calls: " + std::to_string(fired) + " of " +
         std::to_string(2 * whole.calls) + " points (" + listed(killed) + "), 0 lost");
}
