// The real daemon between the tester and a real PostgreSQL, judged by what the tester recorded and
// what the table holds.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "whole_job.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(WholeJob, "rows carry the receipt time and vanish within a second after ttl") {
  start_daemon("4s");
  auto sender = send("20", "60", "30");
  CHECK(sender.process().exit_code() == 0);
  const Record record = read_record(record_path);
  REQUIRE(record.accepted.size() == 60);
  REQUIRE(all_ended());
  check_identity();
  check_rows(4'000'000);
  const auto last = record.last_of_each_id();
  for (const auto& [id, row] : rows(cluster)) {
    CAPTURE(id);
    REQUIRE(last.contains(id));
    CHECK(row.last_seen >= last.at(id).sent_at);
    CHECK(row.last_seen <= last.at(id).accepted_at);
  }
  // Watch the rest go, each in its time. Looking takes a moment itself.
  for (auto before = rows(cluster); !before.empty();) {
    const auto looked_at = now_us();
    const auto now = rows(cluster);
    const auto looked_until = now_us();
    for (const auto& [id, row] : before) {
      CAPTURE(id);
      if (now.contains(id)) {
        CHECK(looked_at - row.last_seen < 5'200'000);
      } else {
        CHECK(looked_until - row.last_seen > 4'000'000);
      }
    }
    before = now;
  }
}

TEST_CASE_FIXTURE(WholeJob, "PostgreSQL away under load: nothing lost, no 202 late (S9)") {
  start_daemon("60s");
  auto sender = send("100", "1500", "30");
  eventually([&] { return daemon->status("stored") > 500; });
  cluster.stop_at_once();
  CHECK(eventually([&] {
    return daemon->page("/status").body.find("\"store_up\":false") != std::string::npos;
  }));
  std::this_thread::sleep_for(5s);  // the outage itself, not a wait for something
  CHECK(daemon->page("/readyz").status == 200);
  CHECK(daemon->page("/objects").status == 503);
  cluster.start();
  CHECK(sender.process().exit_code(60s) == 0);
  REQUIRE(all_ended());
  const Record record = read_record(record_path);
  CHECK(record.accepted.size() == 1500);
  CHECK(record.lost == 0);
  CHECK(record.slowest_us() < 1'000'000);
  check_identity();
  check_rows(60'000'000);
}

TEST_CASE_FIXTURE(WholeJob,
                  "kill -9 under load and a restart: nothing accepted is lost (S1, S10)") {
  start_daemon("60s");
  auto sender = send("100", "1200", "30");
  for (int kills = 0; kills < 6; ++kills) {
    const auto before = daemon->status("accepted_callbacks");
    eventually([&] { return daemon->status("accepted_callbacks") > before + 60; }, 5s);
    daemon->process().signal(SIGKILL);
    CHECK(daemon->process().exit_code() == 128 + SIGKILL);
    start_daemon("60s");
  }
  CHECK(sender.process().exit_code(60s) == 0);
  REQUIRE(all_ended());
  check_identity();
  check_rows(60'000'000);
  CHECK(daemon->status("acknowledged") == daemon->status("last_durable"));
}

TEST_CASE_FIXTURE(WholeJob, "a source that hangs makes no live row disappear (S4)") {
  start_daemon("3s");
  auto sender = send("10", "150", "40");
  REQUIRE(eventually([&] { return daemon->status("stored") > 50; }));
  source->process().signal(SIGSTOP);
  const auto hung_at = now_us();
  auto before = rows(cluster);
  while (now_us() < hung_at + 8'000'000) {
    const auto looked_at = now_us();
    const auto now = rows(cluster);
    const Record record = read_record(record_path);
    const auto last = record.last_of_each_id();
    for (const auto& [id, row] : before) {
      CAPTURE(id);
      if (now.contains(id)) continue;
      // It may only be gone because it had not been received for longer than ttl.
      if (last.contains(id)) CHECK(last.at(id).sent_at < looked_at - 2'500'000);
    }
    before = now;
    std::this_thread::sleep_for(50ms);  // the rate of looks
  }
  CHECK(before.size() > 30);
  source->process().signal(SIGCONT);
  CHECK(sender.process().exit_code(60s) == 0);
  CHECK(all_ended());
  check_identity();
}

TEST_CASE_FIXTURE(WholeJob,
                  "stopped under load it exits 0 and the next run finishes the rest (S10)") {
  start_daemon("60s");
  auto sender = send("200", "600", "30");
  eventually([&] { return daemon->status("accepted_callbacks") > 200; });
  daemon->process().signal(SIGTERM);
  CHECK(daemon->process().exit_code() == 0);
  start_daemon("60s");
  CHECK(sender.process().exit_code(60s) == 0);
  REQUIRE(all_ended());
  check_identity();
  check_rows(60'000'000);
}
