// The daemon under a service manager: what it tells, when it falls silent.
#include "postofficed.hpp"
#include "service_manager.hpp"
#include "support/has.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

// Silent after three seconds without the pipeline, after five without a flush.
constexpr auto watchdog = 500ms;

constexpr const char* sign_of_life = "WATCHDOG=1";

bool falls_silent(NotifySocket& manager) {
  return eventually([&] {
    manager.forget();
    std::this_thread::sleep_for(watchdog);  // how long the manager would wait
    return !manager.hears(sign_of_life);
  });
}

bool is_heard_again(NotifySocket& manager) {
  manager.forget();
  return eventually([&] { return manager.hears(sign_of_life); });
}

}  // namespace

TEST_CASE("a service manager is told of the start, of a reload, of the state and of the stop") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  Daemon daemon(directory.path(), {}, manager.pass());
  CHECK(eventually([&] { return manager.hears("READY=1"); }));
  // Opening comes first, and its time is extended.
  const auto start = manager.heard();
  CHECK(start.find("STATUS=opening the queue") < start.find("READY=1"));
  CHECK(start.find("EXTEND_TIMEOUT_USEC=") < start.find("READY=1"));
  CHECK(has(start, "STATUS=accepting callbacks"));
  CHECK(daemon.post("1").status == 202);  // that is what READY means
  CHECK_FALSE(has(start, sign_of_life));  // nobody asked for it

  manager.forget();
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return manager.hears("READY=1"); }));
  CHECK(manager.heard().find("RELOADING=1\nMONOTONIC_USEC=") < manager.heard().find("READY=1"));

  manager.forget();
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 0);
  CHECK(manager.hears("STOPPING=1\nEXTEND_TIMEOUT_USEC="));
  CHECK(manager.hears("STATUS=stopping"));
}

TEST_CASE("the state says what is wrong") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  Daemon daemon(directory.path(), {"--source", "http://127.0.0.1:1/{id}"}, manager.pass());
  REQUIRE(daemon.ready());
  for (int i = 0; i < 40; ++i) daemon.post(std::to_string(i));
  CHECK(eventually([&] { return manager.hears("STATUS=accepting callbacks; source: "); }));
}

TEST_CASE("a start that fails leaves its reason as the state") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  Daemon first(directory.path());
  REQUIRE(first.ready());
  Daemon second(directory.path(), {}, manager.pass());
  CHECK(second.process().exit_code() == 74);
  CHECK(manager.hears("STATUS=queue file:"));
  CHECK_FALSE(manager.hears("READY=1"));
}

TEST_CASE("the watchdog hears nothing while the pipeline's thread stands still") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  Daemon daemon(directory.path(), {}, manager.pass(watchdog));
  REQUIRE(daemon.ready());
  REQUIRE(is_heard_again(manager));
  StoppedThread pipeline(daemon.process().id(), "event-loop");
  if (!pipeline.worked()) return skip("ptrace is not allowed here");
  CHECK(falls_silent(manager));
  CHECK(daemon.post("1").status == 202);  // the rest of the process is well
  CHECK(eventually([&] { return daemon.said("the pipeline has not moved for"); }));
  pipeline.resume();
  CHECK(is_heard_again(manager));
  CHECK(eventually([&] { return daemon.said("the watchdog gets signs of life again"); }));
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 0);
}

TEST_CASE("the watchdog bears with a flush that takes seconds, and not with one that never ends") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  Daemon daemon(directory.path(), {}, manager.pass(watchdog));
  REQUIRE(daemon.ready());
  manager.forget();
  StoppedThread flusher(daemon.process().id(), "queue-flusher");
  if (!flusher.worked()) return skip("ptrace is not allowed here");
  CHECK(daemon.post("1").status == 503);
  CHECK(eventually([&] { return manager.hears("STATUS=not ready: "); }));
  CHECK(is_heard_again(manager));  // overdue, and nothing to end a process for
  CHECK(falls_silent(manager));
  CHECK(eventually([&] { return daemon.said("signs of life, so this process"); }));
  flusher.resume();
  CHECK(is_heard_again(manager));
}
