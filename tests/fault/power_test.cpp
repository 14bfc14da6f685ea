// Power cuts under load, with journal and store on a real file system of their own.
#include <doctest/doctest.h>

#include <optional>

#include "disk_image.hpp"
#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t disk_bytes = 512 << 20;

const std::vector<std::string> make_ext4{"/sbin/mkfs.ext4", "-q", "-F"};
const std::vector<std::string> make_xfs{"/sbin/mkfs.xfs", "-q", "-f"};

std::uint16_t free_port() {
  const TemporaryDirectory nothing;
  Daemon daemon(nothing.path());
  REQUIRE(daemon.ready());
  return daemon.port();
}

struct Machine {
  /// The store is on the same disk, or on one that keeps its power: the queue is then the only one
  /// that syncs anything.
  Machine(std::vector<std::string> make, std::string options, bool store_too)
      : disk(std::move(make), disk_bytes, std::move(options)),
        store_path((store_too ? disk.path() : elsewhere.path()) + "/objects.db") {}

  void start() {
    daemon.emplace(disk.path() + "/data",
                   Arguments{"--source", source.url(), "--store", "sqlite:" + store_path, "--ttl",
                             "1h", "--fetch-concurrency", "400", "--listen",
                             "localhost:" + std::to_string(port), "--admin-listen", "localhost:0"},
                   Process::Setup{}, false);
  }

  void start_and_wait() {
    const auto begun = std::chrono::steady_clock::now();
    start();
    REQUIRE(daemon->ready());
    CHECK(std::chrono::steady_clock::now() - begun < 10s);
  }

  /// Cuts the power; the daemon may run on for a while without noticing, and is then killed.
  void lose_power(PowerCut how, std::chrono::microseconds belief) {
    const auto begun = now_us();
    disk.cut(how);
    cuts.push_back({begun, now_us()});
    std::this_thread::sleep_for(belief);  // the fault itself
    daemon->process().signal(SIGKILL);
    // While starting it may have ended by itself for what it could not read. And SQLite maps a file
    // into memory, which such a disk answers with SIGBUS.
    const int code = daemon->process().exit_code();
    CAPTURE(code);
    CHECK((code == 128 + SIGKILL || code == 128 + SIGBUS || code == 74));
    if (code == 128 + SIGBUS) ++bus_errors;
    kills.push_back(now_us());
    disk.power_on_again();
  }

  /// No callback sent without power is accepted: nothing of it can be on the disk (S1). One that
  /// was under way while it went may be: with real power its 202 would never have left. (ext4 tells
  /// a sync that is under way nothing of the cut.)
  void judge(Ledger& result) {
    for (Sent sent : ledger.all()) {
      for (std::size_t i = 0; i < cuts.size() && sent.status == 202; ++i) {
        if (sent.sent_at > cuts[i].second && sent.answered_at < kills[i]) {
          FAIL_CHECK("accepted without power: " << sent.ids.back());
        } else if (sent.sent_at <= cuts[i].second && sent.answered_at >= cuts[i].first) {
          sent.status = 0;
          ++in_doubt;
        }
      }
      result.add(std::move(sent));
    }
  }

  DiskImage disk;
  TemporaryDirectory elsewhere;
  const std::string store_path;
  Source source{300ms};
  Ledger ledger;
  const std::uint16_t port = free_port();
  std::optional<Daemon> daemon;
  std::vector<std::pair<std::int64_t, std::int64_t>> cuts;  // begin and end
  int in_doubt = 0;
  std::vector<std::int64_t> kills;
  int bus_errors = 0;
};

void cut_power(const std::string& what, const std::vector<std::string>& make,
               const std::string& options, int count, bool store_too = false) {
  CAPTURE(what);
  Machine machine(make, options, store_too);
  if (!machine.disk.problem().empty()) return skip(what + ": " + machine.disk.problem());
  auto random = random_numbers("power cuts, " + what);
  Sender sender(machine.port, machine.ledger, 4, 2ms);
  for (int i = 0; i < count; ++i) {
    // Some while it starts, some when it has just begun a file, some later.
    const int phase = i % 4;
    machine.start();
    if (phase > 0) REQUIRE(machine.daemon->ready());
    const unsigned longest_us = phase == 3 ? 500'000 : phase == 0 ? 60'000 : 30'000;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % longest_us));  // any moment
    machine.lose_power(random() % 2 == 0 ? PowerCut::log_kept : PowerCut::log_lost,
                       std::chrono::microseconds(random() % 40'000));
  }
  machine.start_and_wait();
  sender.stop();
  REQUIRE(all_ended(*machine.daemon));
  check_identity(*machine.daemon);
  CHECK(run_postofficed({"journal", "verify", "--data-dir", machine.disk.path() + "/data"}).code ==
        0);
  machine.daemon->process().signal(SIGTERM);
  CHECK(machine.daemon->process().exit_code() == 0);
  Ledger ledger;
  machine.judge(ledger);
  check_outcome(ledger, machine.source, sqlite_rows(machine.store_path), machine.kills);
  CHECK(ledger.accepted() > 0);
  report("power cuts, " + what + ": " + std::to_string(count) + " cuts, " +
         std::to_string(ledger.accepted()) + " callbacks accepted, " +
         std::to_string(machine.in_doubt) + " while the power went, 0 lost" +
         (machine.bus_errors == 0 ? "" : "; " + std::to_string(machine.bus_errors) + " × SIGBUS"));
}

}  // namespace

TEST_CASE("power cuts on ext4 lose nothing accepted (S1, S10)") {
  cut_power("ext4", make_ext4, "", trials(20));
}

TEST_CASE("power cuts on ext4 with the store on the same disk lose nothing accepted (S1, S10)") {
  cut_power("ext4 with the store", make_ext4, "", trials(8), true);
}

TEST_CASE("power cuts on ext4 without delayed allocation lose nothing accepted (S1, S10)") {
  cut_power("ext4 nodelalloc", make_ext4, "nodelalloc", trials(8));
}

TEST_CASE("power cuts on ext4 with data=writeback lose nothing accepted (S1, S10)") {
  cut_power("ext4 data=writeback", make_ext4, "data=writeback", trials(8));
}

TEST_CASE("power cuts on ext4 with data=journal lose nothing accepted (S1, S10)") {
  cut_power("ext4 data=journal", make_ext4, "data=journal", trials(8));
}

TEST_CASE("power cuts on XFS lose nothing accepted (S1, S10)") {
  cut_power("XFS", make_xfs, "", trials(20));
}

TEST_CASE("power cuts on XFS with the store on the same disk lose nothing accepted (S1, S10)") {
  cut_power("XFS with the store", make_xfs, "", trials(8), true);
}
