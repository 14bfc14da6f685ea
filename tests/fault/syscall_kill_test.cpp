// The real daemon killed at every system call that changes a file or uses a socket, while it
// starts, takes callbacks in, stores, trims its queue and stops.
#include <doctest/doctest.h>

#include <optional>

#include "call_kills.hpp"
#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// One data directory and what happened to it, through several lives of a daemon.
struct Story {
  Source source{100ms};
  Ledger ledger;
  TemporaryDirectory data;
  TemporaryDirectory notes;
  std::vector<std::int64_t> crashes;

  Arguments arguments() const {
    return {"--source", source.url(),    "--ttl", "1h", "--fetch-concurrency",
            "8",        "--drain-limit", "1s"};
  }

  /// Starts, posts a few callbacks, lets them be stored and acknowledged, and stops; or dies where
  /// it is to die. Returns its exit code.
  int live(const KillPoint& point, KillReport& report) {
    Daemon daemon(data.path(), arguments(), {}, true, killed_at(point, notes / "report"));
    if (daemon.ready()) {
      CallbackConnection connection(daemon.port());
      for (int i = 0; i < 3 && connection.usable(); ++i) post_one(connection, ledger);
      const auto acknowledged = [&] {
        return daemon.process().ended() ||
               (daemon.status("acknowledged") != 0 && daemon.status("pending") == 0);
      };
      eventually(acknowledged, 5s);
      std::this_thread::sleep_for(220ms);  // by then the cursor is written
      daemon.process().signal(SIGTERM);
    }
    const int code = daemon.process().exit_code();
    if (code != 0) crashes.push_back(now_us());
    report = read_kill_report(notes / "report");
    return code;
  }

  /// The next life is an undisturbed one, and finds everything.
  void check() {
    {
      Daemon daemon(data.path(), arguments());
      const auto begun = std::chrono::steady_clock::now();
      REQUIRE(daemon.ready());
      CHECK(std::chrono::steady_clock::now() - begun < 10s);
      CHECK(all_ended(daemon));
      check_identity(daemon);
      CHECK(run_postofficed({"journal", "verify", "--data-dir", data.path()}).code == 0);
      daemon.process().signal(SIGTERM);
      CHECK(daemon.process().exit_code() == 0);
    }
    check_outcome(ledger, source, sqlite_rows(data / "objects.db"), crashes);
  }
};

/// What became of the points.
struct Tally {
  std::map<std::string, int> killed;
  std::size_t points = 0;
  std::size_t accepted = 0;

  void try_point(Story& story, const KillPoint& point) {
    CAPTURE(point.call);
    CAPTURE(point.after);
    const auto before = story.ledger.accepted();
    KillReport report;
    const int code = story.live(point, report);
    // Its threads meet otherwise each time: a run with fewer calls ends before the last points.
    CHECK(code == (report.call.empty() ? 0 : 128 + SIGKILL));
    if (!report.call.empty()) ++killed[report.call];
    story.check();
    ++points;
    accepted += story.ledger.accepted() - before;
  }

  void say(const std::string& what, long calls) const {
    std::size_t fired = 0;
    for (const auto& [name, count] : killed) fired += count;
    CHECK(fired > points * 3 / 4);
    report(what + ": " + std::to_string(fired) + " of about " + std::to_string(2 * calls) +
           " points (" + listed(killed) + "), " + std::to_string(accepted) +
           " callbacks accepted, 0 lost");
  }
};

/// How many calls there are from start to stop; none: tracing is not allowed.
long calls_of(Story& story) {
  KillReport report;
  const int code = story.live({}, report);
  if (code == 77) {
    skip("tracing is not allowed");
    return 0;
  }
  REQUIRE(code == 0);
  story.check();
  return report.calls;
}

}  // namespace

TEST_CASE("killed at any file or socket call of its first run it loses nothing (S1, S10)") {
  Story whole;
  const long calls = calls_of(whole);
  Tally tally;
  for (const auto& point : spread(calls, trials(50))) {
    Story story;
    tally.try_point(story, point);
  }
  if (calls != 0) tally.say("daemon killed at system calls of its first run", calls);
}

TEST_CASE("killed at any file or socket call of a later run it loses nothing (S1, S10)") {
  Story story;  // one for all: what a killed run left behind is there for the next
  long calls = calls_of(story);
  if (calls != 0) calls = calls_of(story);
  Tally tally;
  for (const auto& point : spread(calls, trials(60))) tally.try_point(story, point);
  if (calls != 0) tally.say("daemon killed at system calls of later runs", calls);
}
