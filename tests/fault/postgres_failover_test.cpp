// A failover to a standby that lacks the newest transactions. Commits that the standby never
// received are lost with the primary: the queue had acknowledged their callbacks, so an object that
// is no longer received cannot come back. All objects that are still received come back.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "fault/trouble.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct Failover : Trouble {
  Failover() {
    store = "host=127.0.0.1,127.0.0.1 port=" + cluster.port() + "," + standby.port() +
            " user=postoffice dbname=postgres target_session_attrs=read-write";
  }

  /// From then on the standby receives nothing.
  void cut_off() {
    REQUIRE(eventually([&] { return has_rows(standby); }));
    standby.sql("ALTER SYSTEM SET primary_conninfo = ''");
    standby.sql("SELECT pg_reload_conf()");
    REQUIRE(eventually([&] {
      return cluster.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") ==
             "0";
    }));
  }

  static bool has_rows(const Cluster& server) {
    try {
      return rows(server).size() > 100;
    } catch (const std::runtime_error&) {
      return false;  // the table has not come yet
    }
  }

  /// Rows that the standby does not have, or has older.
  std::size_t behind() const {
    const auto there = rows(standby);
    std::size_t count = 0;
    for (const auto& [id, row] : rows(cluster)) {
      const auto place = there.find(id);
      if (place == there.end() || place->second.last_seen < row.last_seen) ++count;
    }
    return count;
  }

  /// Judges what was received after `since` only.
  std::size_t check_received_since(std::int64_t since) {
    Record record = read_record(record_path);
    CHECK(record.lost == 0);
    CHECK(record.slowest_us() < 1'000'000);
    std::erase_if(record.accepted, [&](const auto& sent) { return sent.sent_at < since; });
    const auto found = rows(standby);
    const auto last = record.last_of_each_id();
    for (const auto& [id, receipt] : last) {
      CAPTURE(id);
      REQUIRE(found.contains(id));
      CHECK(found.at(id).online == (id % 2 == 0));
      CHECK(found.at(id).last_seen >= receipt.sent_at);
    }
    for (const auto& [id, row] : found) CHECK(record.sent.contains(id));
    return last.size();
  }

  Cluster standby{cluster};
};

}  // namespace

TEST_CASE_FIXTURE(Failover, "a failover that lost commits: what is received again is there (S9)") {
  begin();
  cut_off();
  REQUIRE(works(10s));
  stop_watching();
  const auto lost = behind();
  CHECK(lost > 100);
  cluster.signal_all(SIGKILL);
  CHECK(noticed());
  standby.promote();
  const auto promoted_at = now_us();
  watch.emplace(standby, daemon->admin_port());
  check_heals();
  std::this_thread::sleep_for(2s);  // the time for ids to be received again
  stop_sending();
  REQUIRE(all_ended());
  check_identity();
  stop_watching();
  const auto back = check_received_since(promoted_at);
  CHECK(back > 500);
  std::printf(
      "failover: %zu rows behind when the primary died, %zu ids received since, all there\n", lost,
      back);
}
