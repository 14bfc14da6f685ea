// kill -9 of the real daemon at random instants under load, again and again on one data directory.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// A daemon that restarts on the same port.
struct Victim {
  Victim(std::string store, const Source& source)
      : arguments{"--store", std::move(store),      "--source", source.url(),     "--ttl",
                  "1h",      "--fetch-concurrency", "400",      "--admin-listen", "localhost:0"} {}

  /// How long it took until it was ready (S10: at most 10 s).
  double start() {
    Arguments all = arguments;
    all.insert(all.end(), {"--listen", "localhost:" + std::to_string(port)});
    const auto begun = Clock::now();
    daemon.emplace(data.path(), all, Process::Setup{}, false);
    REQUIRE(daemon->ready());
    port = daemon->port();
    return seconds_since(begun);
  }

  void kill() {
    daemon->process().signal(SIGKILL);
    REQUIRE(daemon->process().exit_code() == 128 + SIGKILL);
    kills.push_back(now_us());
  }

  Arguments arguments;
  TemporaryDirectory data;
  std::uint16_t port = 0;
  std::optional<Daemon> daemon;
  std::vector<std::int64_t> kills;
};

/// Kills and starts again, under load, `kills` times.
template <typename ReadRows>
void crash_at_random(const std::string& what, Victim& victim, const Source& source, int kills,
                     const ReadRows& read_rows) {
  auto random = random_numbers(what);
  Ledger ledger;
  RowWatch watch;
  std::vector<double> starts;
  victim.start();
  Sender sender(victim.port, ledger);
  for (int i = 0; i < kills; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1'000'000));  // any moment
    victim.kill();
    starts.push_back(victim.start());
    watch.look(read_rows());
  }
  sender.stop();
  REQUIRE(all_ended(*victim.daemon));
  check_identity(*victim.daemon);
  const auto rows = read_rows();
  check_outcome(ledger, source, rows, victim.kills);
  watch.look(rows);
  watch.check();

  // Everything is acknowledged durably: after one more crash nothing is read again.
  std::this_thread::sleep_for(500ms);  // the cursor is written at most 200 ms late
  const auto fetches = source.count();
  victim.kill();
  starts.push_back(victim.start());
  CHECK(victim.daemon->said("0 callbacks with 0 ids left from before"));
  CHECK(source.count() == fetches);
  CHECK(run_postofficed({"journal", "verify", "--data-dir", victim.data.path()}).code == 0);

  std::sort(starts.begin(), starts.end());
  CHECK(starts.back() < 10);
  CHECK(ledger.accepted() > static_cast<std::size_t>(kills));
  report(what + ": " + std::to_string(kills) + " crashes, " + std::to_string(ledger.accepted()) +
         " callbacks accepted, " + std::to_string(ledger.count(0)) + " without answer, " +
         std::to_string(fetches) + " fetches of " + std::to_string(rows.size()) +
         " objects; ready again after " + std::to_string(starts[starts.size() / 2]) +
         " s (median), " + std::to_string(starts.back()) + " s (most)");
}

}  // namespace

TEST_CASE("kill -9 at random under load, PostgreSQL: nothing accepted is lost (S1, S8, S10)") {
  if (!postgres_conninfo()) return skip("POSTOFFICE_TEST_POSTGRES is not set");
  const PostgresSchema schema;
  const Source source(300ms);
  Victim victim(schema.conninfo(), source);
  crash_at_random("kill -9 at random, PostgreSQL", victim, source, trials(40),
                  [&] { return postgres_rows(schema.conninfo()); });
}

TEST_CASE("kill -9 at random under load, SQLite: nothing accepted is lost (S1, S8, S10)") {
  const Source source(300ms);
  const TemporaryDirectory store;
  const auto path = store / "objects.db";
  Victim victim("sqlite:" + path, source);
  crash_at_random("kill -9 at random, SQLite", victim, source, trials(20),
                  [&] { return sqlite_rows(path); });
}
