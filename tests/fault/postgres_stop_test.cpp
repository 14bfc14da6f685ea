// PostgreSQL does not run: stopped, killed, frozen.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "fault/trouble.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(Trouble, "PostgreSQL stopped hard and killed, again and again (S1, S4, S9)") {
  begin();
  const int rounds = trials(2);
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) {
      cluster.stop_at_once();
    } else {
      const auto processes = cluster.processes();
      cluster.signal_all(SIGKILL);
      REQUIRE(eventually([&] { return kill(processes.front(), 0) != 0; }));
    }
    CHECK(noticed());
    CHECK(daemon->page("/readyz").status == 200);
    cluster.start();
    check_heals();
  }
  end("PostgreSQL stopped " + std::to_string(rounds) + " times");
}

TEST_CASE_FIXTURE(Trouble, "PostgreSQL frozen for longer than any time limit (S4, S9)") {
  begin();
  cluster.signal_all(SIGSTOP);
  CHECK(noticed(20s));  // statements have 10 s, the server 2 s more to say that they took longer
  CHECK(daemon->page("/readyz").status == 200);
  // The old sessions resume their work beside the new ones.
  cluster.signal_all(SIGCONT);
  check_heals();
  end("PostgreSQL frozen");
}

// The last receipts come during the outage, and no answer can carry them: the source says nothing.
// When the server is back its rows look older than ttl, and may not go before they are touched;
// which at first it refuses, though it would delete.
TEST_CASE_FIXTURE(Trouble, "an outage longer than ttl deletes nothing that was received (S4, S6)") {
  ttl = "10s";
  begin("60");
  REQUIRE(eventually([&] { return rows(cluster).size() == 60; }));
  source->process().signal(SIGSTOP);
  cluster.sql(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
      " $$BEGIN RAISE 'not now'; END$$");
  cluster.sql("CREATE TRIGGER refuse BEFORE UPDATE ON objects EXECUTE FUNCTION refuse()");
  cluster.stop_at_once();
  const auto begun = std::chrono::steady_clock::now();
  std::this_thread::sleep_until(begun + 5s);
  CHECK_FALSE(up());
  cluster.start();
  std::this_thread::sleep_until(begun + 7s);
  stop_sending();
  std::this_thread::sleep_until(begun + 12'500ms);
  CHECK(daemon->said("not now"));
  cluster.sql("DROP TRIGGER refuse ON objects");
  const Record record = read_record(record_path);
  const auto last = record.last_of_each_id();
  CHECK(last.size() == 60);
  CHECK(eventually(
      [&] {
        const auto found = rows(cluster);
        return std::all_of(last.begin(), last.end(), [&](const auto& receipt) {
          const auto place = found.find(receipt.first);
          return place != found.end() && place->second.last_seen >= receipt.second.sent_at;
        });
      },
      4s));
  CHECK(daemon->status("deleted") == 0);
  stop_watching();  // now they may go
  source->process().signal(SIGCONT);
  REQUIRE(all_ended());
  check_identity();
  CHECK(record.lost == 0);
  CHECK(record.slowest_us() < 1'000'000);
  std::printf("outage longer than ttl: %zu callbacks accepted, no row gone\n",
              record.accepted.size());
}
