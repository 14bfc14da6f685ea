// Publishers, workers, broker and database as processes of their own, and what happens when one of
// them dies, freezes or comes back. The judgement is that of the outside: what senders were told,
// what the source was asked, what the table holds.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "early_deletes.hpp"
#include "fault/trials.hpp"
#include "topology.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begun) {
  return std::chrono::duration<double>(Steady::now() - begun).count();
}

std::string seconds_text(double seconds) { return std::to_string(seconds).substr(0, 4) + " s"; }

/// Two publishers under load, and everything that was done to the topology.
struct Trouble {
  explicit Trouble(Topology& topology) : topology(topology) {
    for (auto& publisher : topology.publishers) {
      senders.push_back(std::make_unique<Sender>(publisher->port(), ledger, 3));
    }
  }

  /// What is under way now may be fetched again, and so may what comes until everybody has noticed:
  /// once for whoever has a shard next, once for whoever thought that it still was his.
  void notes_fault() {
    for (const std::int64_t later : {0, 0, 4'000'000, 8'000'000}) {
      faults.push_back(now_us() + later);
    }
  }

  /// The table is looked at between faults, too: last_seen never goes back.
  void rest(std::chrono::milliseconds time = 1500ms) {
    std::this_thread::sleep_for(time);
    watch.look(topology.rows());
  }

  /// Callbacks are accepted again, by both publishers.
  void accepts_again(std::chrono::seconds limit = 30s) {
    for (auto& publisher : topology.publishers) {
      CHECK(eventually(
          [&] {
            CallbackConnection connection(publisher->port());
            return connection.usable() && post_one(connection, ledger).status == 202;
          },
          limit));
    }
  }

  void stop_senders() {
    for (auto& sender : senders) sender->stop();
  }

  void check(const std::string& what) {
    stop_senders();
    REQUIRE(topology.all_ended());
    const auto rows = topology.rows();
    std::sort(faults.begin(), faults.end());
    check_outcome(ledger, topology.source, rows, faults);
    watch.look(rows);
    watch.check();
    report(what + ": " + std::to_string(ledger.accepted()) + " callbacks accepted, " +
           std::to_string(ledger.count(503)) + " refused, " + std::to_string(ledger.count(0)) +
           " without answer, " + std::to_string(topology.source.count()) + " fetches of " +
           std::to_string(rows.size()) + " objects");
  }

  Topology& topology;
  Ledger ledger;
  RowWatch watch;
  std::vector<std::int64_t> faults;
  std::vector<std::unique_ptr<Sender>> senders;
};

/// One after the other, each until all is well again.
struct Faults : Trouble {
  using Trouble::Trouble;

  /// A worker is killed: the others have its shards within seconds; then it comes back.
  void kill_worker() {
    notes_fault();
    topology.workers[0]->kill();
    const auto killed = Steady::now();
    CHECK(topology.all_served(12s));
    report("worker killed: its shards are served by others after " +
           seconds_text(seconds_since(killed)));
    rest();
    notes_fault();
    topology.workers[0]->start();
    CHECK(eventually([&] { return shards_served(*topology.workers[0]) > 0; }, 20s));
    rest();
  }

  /// A publisher is killed: its senders are refused until it is back, the others are not.
  void kill_publisher() {
    notes_fault();
    topology.publishers[0]->kill();
    const auto before = ledger.accepted();
    rest();
    CHECK(ledger.accepted() > before);
    topology.publishers[0]->start();
    accepts_again();
  }

  /// A worker freezes for longer than others wait for it.
  void freeze_worker() {
    notes_fault();
    topology.workers[1]->freeze();
    std::this_thread::sleep_for(8s);
    topology.workers[1]->thaw();
    notes_fault();
    CHECK(topology.all_served(30s));
    rest();
  }

  /// The broker dies, with all that is on its way, and comes back.
  void kill_broker() {
    notes_fault();
    topology.broker.run("kill");
    std::this_thread::sleep_for(1s);
    topology.broker.run("restart");
    notes_fault();
    const auto back = Steady::now();
    accepts_again(60s);
    report("broker restarted: callbacks are accepted again after " +
           seconds_text(seconds_since(back)));
    CHECK(topology.all_served(60s));
    rest();
  }

  /// The database goes away: callbacks are accepted, and wait.
  void stop_database() {
    notes_fault();
    topology.database.run("stop");
    const auto without = ledger.accepted();
    std::this_thread::sleep_for(3s);
    CHECK(ledger.accepted() > without + 50);
    topology.database.run("start");
    notes_fault();
    rest(5s);
  }

  /// A worker is stopped in good order.
  void stop_worker() {
    notes_fault();
    CHECK(topology.workers[2]->stop() == 0);
    CHECK(topology.all_served(20s));
    topology.workers[2]->start();
    notes_fault();
    rest();
  }
};

}  // namespace

TEST_CASE("members die, freeze and come back: nothing accepted is lost (S1, S3, S4, S10)") {
  Topology topology("1h", 2, 3, 300ms);
  Faults faults(topology);
  for (int trial = 0; trial < trials(1); ++trial) {
    faults.rest();
    faults.kill_worker();
    faults.kill_publisher();
    faults.freeze_worker();
    faults.kill_broker();
    faults.stop_database();
    faults.stop_worker();
  }
  faults.check("members die, freeze and come back");
}

TEST_CASE("nothing is deleted early, whoever dies or freezes, and everything is in the end (S6)") {
  constexpr auto ttl = 5s;
  Topology topology("5s", 2, 3, 100ms);
  Trouble trouble(topology);
  EarlyDeletes watch(topology.database.address() + " connect_timeout=3", trouble.ledger,
                     std::chrono::microseconds(ttl).count());
  trouble.rest(8s);
  auto& worker = *topology.workers[0];
  worker.freeze();
  std::this_thread::sleep_for(8s);
  worker.thaw();
  std::this_thread::sleep_for(3s);

  worker.kill();
  topology.publishers[0]->freeze();
  std::this_thread::sleep_for(8s);
  topology.publishers[0]->thaw();
  worker.start();
  std::this_thread::sleep_for(3s);

  topology.publishers[1]->kill();
  std::this_thread::sleep_for(1s);
  topology.publishers[1]->start();
  topology.broker.run("restart");
  trouble.accepts_again(60s);
  std::this_thread::sleep_for(8s);

  CHECK(watch.gone() > 0);
  trouble.stop_senders();
  const auto last = Steady::now();
  CHECK(eventually([&] { return topology.rows().empty(); }, 60s));
  const auto took = seconds_since(last);
  watch.stop();
  CHECK_MESSAGE(watch.problems().empty(), watch.problems());
  CHECK(took < 15);  // the ttl, and a second; the machine is busy
  report("nothing deleted early: " + std::to_string(watch.looks()) + " looks, " +
         std::to_string(watch.gone()) + " rows went in their time; " +
         std::to_string(trouble.ledger.accepted()) + " callbacks accepted; the table was empty " +
         seconds_text(took) + " after the last, with a ttl of 5 s");
}

TEST_CASE("a publisher that stops in good order holds nobody up, and says goodbye (S10)") {
  Topology topology("3s", 2, 2, 50ms);
  Ledger ledger;
  for (auto& publisher : topology.publishers) {
    CallbackConnection connection(publisher->port());
    for (int i = 0; i < 20; ++i) CHECK(post_one(connection, ledger).status == 202);
  }
  REQUIRE(eventually([&] { return topology.rows().size() >= 120; }));
  CHECK(topology.publishers[0]->stop() == 0);
  const auto left = [&] {
    return run_sql(
        topology.database.address(),
        "SELECT count(DISTINCT publisher) FROM postoffice_instances WHERE publisher <> ''");
  };
  CHECK(eventually([&] { return left() == "1"; }, 30s));
  CHECK(eventually([&] { return topology.rows().empty(); }, 30s));
  CHECK(topology.publishers[1]->stop() == 0);
  for (auto& worker : topology.workers) CHECK(worker->stop() == 0);
}

TEST_CASE("file+amqp accepts while the broker is away, and forwards when it is back (S1, S9)") {
  PrivateServer database(POSTGRES_CLUSTER);
  PrivateServer broker(RABBIT_BROKER);
  const Source source(50ms);
  const Arguments common{"--store", database.address(), "--source", source.url(), "--ttl", "1h"};
  Arguments arguments = common;
  arguments.insert(arguments.end(), {"--queue", "file+" + broker.address()});
  Member all("run", arguments);
  all.start();
  Ledger ledger;
  const auto post_some = [&](int count) {
    CallbackConnection connection(all.daemon().port());
    for (int i = 0; i < count; ++i) CHECK(post_one(connection, ledger).status == 202);
  };
  const auto rows = [&] { return postgres_rows(database.address()); };
  const auto stored = [&](std::size_t callbacks) {
    return rows().size() == callbacks * Ledger::fresh_ids + Ledger::hot_ids;
  };
  post_some(50);
  REQUIRE(eventually([&] { return stored(50); }, 30s));
  // RabbitMQ 3.10 may come back without a queue that was new when it was killed.
  std::this_thread::sleep_for(5s);
  broker.run("kill");
  post_some(50);
  CHECK(all.daemon().page("/readyz").status == 200);
  all.kill();
  all.start();  // without a broker
  post_some(50);
  broker.run("restart");
  REQUIRE_MESSAGE(eventually([&] { return stored(150); }, 60s),
                  all.daemon().page("/status").body << all.daemon().process().err());
  post_some(10);
  CHECK(eventually([&] { return stored(160); }, 30s));
  CHECK(all.stop() == 0);
  check_outcome(ledger, source, rows(), std::vector<std::int64_t>(8, now_us()));
}
