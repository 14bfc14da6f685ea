// What a service manager is told.
#include "daemon/service_report.hpp"

#include <doctest/doctest.h>

#include "support/has.hpp"

using namespace postofficed;
using namespace std::chrono_literals;
using postoffice::testing::has;

namespace {

struct Reported {
  explicit Reported(std::chrono::microseconds watchdog = 0us) : report(watchdog) {}

  std::string look(std::chrono::microseconds after = 1s) {
    now += after;
    return report.look(now, watched);
  }
  std::string run() {
    watched.phase = Watched::Phase::running;
    return look();
  }

  ServiceReport report;
  ServiceReport::Time now{24h};
  Watched watched;
};

}  // namespace

TEST_CASE("an opening that reads and writes gets more time, one that stands still does not") {
  Reported daemon;
  CHECK(daemon.look() == "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=opening the queue\n");
  CHECK(daemon.look().empty());  // not with every look
  for (int i = 0; i < 100; ++i) {
    ++daemon.watched.bytes_moved;
    CHECK(daemon.look(10s) == "EXTEND_TIMEOUT_USEC=30000000\n");
  }
  CHECK(has(daemon.look(290s), "EXTEND"));  // a disk that hangs for a while
  CHECK(daemon.look(11s).empty());
  ++daemon.watched.bytes_moved;
  CHECK(has(daemon.look(11s), "EXTEND"));
}

TEST_CASE("READY once, a sentence when the state turns, STOPPING with the time that it may take") {
  Reported daemon;
  CHECK(daemon.run() == "READY=1\nSTATUS=accepting callbacks\n");
  CHECK(daemon.look().empty());
  daemon.watched.trouble = "store: does not\nanswer";
  CHECK(daemon.look() == "STATUS=accepting callbacks; store: does not answer\n");
  daemon.watched.not_ready = "the disk is full";
  CHECK(daemon.look() == "STATUS=not ready: the disk is full\n");
  daemon.watched.not_ready.clear();
  daemon.watched.trouble.clear();
  CHECK(daemon.look() == "STATUS=accepting callbacks\n");
  daemon.watched.phase = Watched::Phase::stopping;
  daemon.watched.stop_limit = 5s;
  CHECK(daemon.look() ==
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000\nSTATUS=stopping: waiting for fetches in "
        "flight\n");
  CHECK(daemon.look().empty());
}

TEST_CASE("a sentence that counts seconds is sent every few of them") {
  Reported daemon;
  daemon.run();
  int sent = 0;
  for (int second = 1; second <= 60; ++second) {
    daemon.watched.not_ready = "a flush takes " + std::to_string(second) + " s";
    sent += daemon.look(1s).empty() ? 0 : 1;
  }
  CHECK(sent == 12);
}

TEST_CASE("a long sentence is cut between characters, and a worker takes no callbacks") {
  Reported daemon;
  daemon.watched.takes_callbacks = false;
  CHECK(has(daemon.run(), "STATUS=fetching and storing\n"));
  for (std::size_t shift = 0; shift < 3; ++shift) {
    daemon.watched.not_ready = std::string(shift, 'x');
    for (int i = 0; i < 500; ++i) daemon.watched.not_ready += "€";
    const auto text = daemon.look(10s);
    CHECK(text.size() < 450);
    CHECK(has(text, "€…\n"));
  }
}

TEST_CASE("a reload carries its time, and ends with the sentence from before") {
  Reported daemon;
  daemon.run();
  daemon.now = ServiceReport::Time(90s);
  CHECK(has(daemon.report.reloading(daemon.now), "RELOADING=1\nMONOTONIC_USEC=90000000\n"));
  CHECK(daemon.report.reloaded() == "READY=1\nSTATUS=accepting callbacks\n");
}

TEST_CASE("the watchdog is fed while the pipeline moves and no flush is far overdue") {
  Reported daemon(30s);
  CHECK(daemon.report.interval() == 1s);
  CHECK_FALSE(has(daemon.look(), "WATCHDOG"));  // not armed while opening
  CHECK(has(daemon.run(), "WATCHDOG=1\n"));
  daemon.watched.pipeline_age = 15s;
  CHECK(has(daemon.look(), "WATCHDOG=1\n"));
  daemon.watched.pipeline_age = 16s;
  CHECK(daemon.look().empty());
  CHECK(daemon.report.silent_because() == "the pipeline has not moved for 16 s");
  daemon.watched.pipeline_age = 0s;
  // A disk that stands still for minutes is the disk's trouble: a restart would wait for it, too.
  daemon.watched.flush_overdue = 300s;
  CHECK(has(daemon.look(), "WATCHDOG=1\n"));
  CHECK(daemon.report.silent_because().empty());
  daemon.watched.flush_overdue = 301s;
  CHECK(daemon.look().empty());
  CHECK(daemon.report.silent_because() == "a flush has taken 301 s");
}

TEST_CASE("a short watchdog is fed in time, and leaves the pipeline its second") {
  Reported daemon(400ms);
  CHECK(daemon.report.interval() == 100ms);
  daemon.run();
  daemon.watched.pipeline_age = 2s;
  CHECK(daemon.look(100ms) == "WATCHDOG=1\n");
}
