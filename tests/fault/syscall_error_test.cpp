// System calls of the real daemon that fail: what it tells senders, and that it recovers by itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "oracle.hpp"
#include "strace.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

const char* const traced = "trace=openat,pwrite64,fdatasync,sendto,sendmsg,write,writev,accept4";

bool is_segment(const std::string& descriptor) { return descriptor.ends_with(".journal>"); }

/// From the log of a daemon with a single sender that waits for each answer: a 202 leaves only
/// after a write and a sync of a segment that both succeeded (S1), and no file of the queue is
/// synced again once that has failed. Returns the number of 202s.
int check_log(const std::vector<TraceEvent>& events) {
  bool written = false;
  bool durable = false;
  int accepted = 0;
  std::set<std::string> failed;
  for (const auto& event : events) {
    const auto descriptor = descriptor_of(event);
    if (event.call == "pwrite64" && is_segment(descriptor)) {
      durable = false;
      written = event.ends && event.result > 0;
    } else if (event.call == "fdatasync") {
      if (event.begins) CHECK_MESSAGE(!failed.contains(descriptor), "synced again: " << descriptor);
      if (event.ends && is_segment(descriptor)) durable = written && event.result == 0;
      if (event.ends && event.result < 0 && descriptor.find("/queue/") != std::string::npos) {
        failed.insert(descriptor);
      }
    } else if (event.call == "openat" && event.ends) {
      failed.erase(event.rest);
    } else if (event.begins && event.arguments.find("\"HTTP/1.1 202") != std::string::npos) {
      CHECK_MESSAGE(durable, "a 202 without a sync before it");
      durable = written = false;
      ++accepted;
    }
  }
  return accepted;
}

struct Story {
  Source source;
  Ledger ledger;
  TemporaryDirectory data;
  TemporaryDirectory notes;
  std::optional<Daemon> daemon;
  std::vector<TraceEvent> events;

  void start(const Arguments& expressions) {
    daemon.emplace(data.path(),
                   Arguments{"--source", source.url(), "--ttl", "1h", "--fetch-concurrency", "8"},
                   Process::Setup{}, true, straced(notes / "log", expressions));
    REQUIRE(daemon->ready());
  }

  /// One sender, one callback after the other, until `count` of them in a row were accepted.
  void send_until_well(int count) {
    std::optional<CallbackConnection> connection;
    int in_a_row = 0;
    const auto well = [&] {
      if (!connection || !connection->usable()) connection.emplace(daemon->port());
      const auto sent = post_one(*connection, ledger);
      if (sent.status == 503) CHECK(sent.retry_after);
      if (sent.status != 202) CHECK(sent.status == 503);
      CHECK(sent.answered_at - sent.sent_at < 1'000'000);
      in_a_row = sent.status == 202 ? in_a_row + 1 : 0;
      return in_a_row == count;
    };
    CHECK_MESSAGE(eventually(well, 15s), "it did not recover by itself");
  }

  /// Everything accepted gets its row, here and after a crash; gives the number of failed calls.
  int finish() {
    CHECK(all_ended(*daemon, 20s));
    check_identity(*daemon);
    daemon->process().signal(SIGKILL);
    CHECK(daemon->process().exit_code() == 128 + SIGKILL);
    const std::vector<std::int64_t> crashes{now_us()};
    const auto log_ended = [&] {
      return content_of(notes / "log").find("+++ killed by SIGKILL") != std::string::npos;
    };
    CHECK(eventually(log_ended));
    const auto log = content_of(notes / "log");
    events = TraceReader::read(log);
    daemon.emplace(data.path(), Arguments{"--source", source.url(), "--ttl", "1h"});
    REQUIRE(daemon->ready());
    CHECK(all_ended(*daemon));
    CHECK(run_postofficed({"journal", "verify", "--data-dir", data.path()}).code == 0);
    check_outcome(ledger, source, sqlite_rows(data / "objects.db"), crashes);
    int injected = 0;
    for (std::size_t at = 0; (at = log.find("(INJECTED)", at)) != std::string::npos; ++at) {
      ++injected;
    }
    return injected;
  }
};

/// Each thread's `when`-th such calls fail. Gives how many did.
int fail_calls(const std::string& call, const std::string& error, const std::string& when,
               std::size_t& refused) {
  CAPTURE(call);
  CAPTURE(error);
  CAPTURE(when);
  Story story;
  story.start({"-e", traced, "-e", "inject=" + call + ":error=" + error + ":when=" + when});
  story.send_until_well(8);
  const int injected = story.finish();
  CHECK(check_log(story.events) == static_cast<int>(story.ledger.accepted()));
  refused += story.ledger.count(503);
  return injected;
}

}  // namespace

TEST_CASE(
    "a failed write or sync makes no 202, is not tried again on its file, and heals (S1, S9)") {
  if (!strace_works()) return;
  const struct {
    const char* call;
    const char* error;
    int first;  // pwrite64: the first of each thread make a file
    int step;
  } kinds[] = {{"fdatasync", "EIO", 1, 1},
               {"fdatasync", "ENOSPC", 2, 2},
               {"pwrite64", "EIO", 1, 1},
               {"pwrite64", "ENOSPC", 2, 2}};
  for (const auto& kind : kinds) {
    int injected = 0;
    std::size_t refused = 0;
    const int count = trials(5);
    for (int i = 0; i < count; ++i) {
      const int nth = kind.first + i * kind.step;
      injected += fail_calls(kind.call, kind.error, std::to_string(nth), refused);
    }
    CHECK(injected >= count);
    CHECK(refused > 0);
    report(std::string(kind.call) + " fails with " + kind.error + ": " + std::to_string(count) +
           " runs, " + std::to_string(injected) + " calls failed, " + std::to_string(refused) +
           " callbacks refused, 0 lost");
  }
}

TEST_CASE("syncs and writes that fail for a while: refused, then it recovers (S9)") {
  if (!strace_works()) return;
  std::size_t refused = 0;
  int injected = 0;
  injected += fail_calls("fdatasync", "EIO", "3..8", refused);
  injected += fail_calls("pwrite64", "ENOSPC", "3..8", refused);
  CHECK(injected > 10);
  CHECK(refused > 0);
  report("writes and syncs fail for a while: " + std::to_string(injected) + " calls failed, " +
         std::to_string(refused) + " callbacks refused, 0 lost");
}

TEST_CASE("files of the queue that cannot be opened for a while (EMFILE) lose nothing (S9)") {
  if (!strace_works()) return;
  Story story;
  const auto queue = story.data / "queue/";
  Arguments expressions{"-e", "trace=openat", "-e", "inject=openat:error=EMFILE:when=1..4"};
  for (const char* name : {"cursor.tmp", "spare.tmp", "spare.ready", "segment.tmp"}) {
    expressions.insert(expressions.end(), {"-P", queue + name});
  }
  story.start(expressions);
  story.send_until_well(8);
  const int injected = story.finish();
  CHECK(injected > 4);
  report("files that cannot be opened: " + std::to_string(injected) + " calls failed, " +
         std::to_string(story.ledger.count(503)) + " callbacks refused, 0 lost");
}

TEST_CASE("connections that cannot be accepted (EMFILE) wait, without a spinning acceptor (S9)") {
  if (!strace_works()) return;
  Story story;
  story.start({"-e", "trace=accept4", "-e", "inject=accept4:error=EMFILE"});
  CallbackConnection connection(story.daemon->port());
  std::this_thread::sleep_for(1500ms);  // the fault itself
  const auto log = content_of(story.notes / "log");
  const auto failed = std::count(log.begin(), log.end(), '\n');
  CHECK(failed > 2);
  CHECK(failed < 100);
  stop_tracing(story.daemon->process().id());
  CHECK(post_one(connection, story.ledger).status == 202);
  CHECK(all_ended(*story.daemon));
  report("connections that cannot be accepted: tried " + std::to_string(failed) +
         " times in 1.5 s, then taken");
}
