// Stores that are there, and stores that are not: migrate, dead letters, a daemon without database.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>

#include "postofficed.hpp"
#include "support/free_port.hpp"
#include "support/skip.hpp"
#ifdef POSTOFFICED_SQLITE
#include "postoffice/defaults/sqlite_object_store.hpp"
#endif

using namespace postoffice::testing;

namespace {

// Nothing listens on port 1 of the loopback address.
const char* const unreachable = "postgresql://user:hunter2@127.0.0.1:1/db";

}  // namespace

TEST_CASE("without a database the daemon runs, accepts, and says what is wrong") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--store", unreachable});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1,2").status == 202);
  CHECK(daemon.page("/readyz").status == 200);
  CHECK(eventually([&] { return daemon.page("/healthz").status == 503; }));
  CHECK(daemon.page("/objects").status == 503);
  CHECK(daemon.page("/status").body.find("hunter2") == std::string::npos);
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 0);
  CHECK_FALSE(daemon.said("hunter2"));
}

TEST_CASE("migrate makes the embedded store, twice is fine") {
  const TemporaryDirectory directory;
  for (int round = 0; round < 2; ++round) {
    CHECK(run_postofficed({"migrate", "--data-dir", directory / "data"}).code == 0);
  }
  CHECK(std::filesystem::exists(directory / "data/objects.db"));
}

TEST_CASE("migrate without a server is 69 and one line without the password") {
  const auto outcome = run_postofficed({"migrate", "--store", unreachable});
  CHECK(outcome.code == 69);
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.err.find("hunter2") == std::string::npos);
}

TEST_CASE("migrate works with a real server and tells a wrong user") {
  const char* server = std::getenv("POSTOFFICE_TEST_POSTGRES");
  if (!server) return skip("POSTOFFICE_TEST_POSTGRES is not set");
  CHECK(run_postofficed({"migrate", "--store", server}).code == 0);
  const auto wrong =
      run_postofficed({"migrate", "--store", std::string(server) + " user=nobody_at_all"});
  CHECK(wrong.code == 69);
  CHECK(wrong.err.find("nobody_at_all") != std::string::npos);
}

namespace {

/// A daemon with two dead letters, 7 and -8, that has nothing but its data directory in common with
/// the commands.
struct GivenUp {
  GivenUp() {
    REQUIRE(daemon->ready());
    REQUIRE(daemon->post("7,-8").status == 202);
    REQUIRE(eventually([&] { return count({}) == 2; }));
  }

  Outcome letters(Arguments what) const {
    what.insert(what.begin(), "dead-letters");
    what.insert(what.end(), {"--data-dir", directory.path()});
    return run_postofficed(what);
  }

  std::ptrdiff_t count(Arguments filters) const {
    filters.insert(filters.begin(), {"list", "--json"});
    const auto out = letters(filters).out;
    return std::count(out.begin(), out.end(), '\n');
  }

  void stop() const {
    daemon->process().signal(SIGTERM);
    REQUIRE(daemon->process().exit_code() == 0);
  }

  const TemporaryDirectory directory;
  const std::unique_ptr<Daemon> daemon = std::make_unique<Daemon>(
      directory.path(), Arguments{"--source", "http://127.0.0.1:1/{id}", "--ttl", "200ms"});
};

}  // namespace

TEST_CASE_FIXTURE(GivenUp,
                  "dead letters are chosen by id, reason and age, with the daemon up or down") {
  for (const bool up : {true, false}) {
    CAPTURE(up);
    if (!up) stop();
    CHECK(letters({"list"}).out.find("-8  20") != std::string::npos);
    CHECK(count({"-8", "9"}) == 1);
    CHECK(count({"--id", "-8", "7", "9"}) == 2);
    CHECK(count({"--id", "7,-8"}) == 2);
    CHECK(count({"--reason", "refused"}) == 2);
    CHECK(count({"--reason", "no such & text"}) == 0);
    CHECK(count({"--since", "1h", "--reason", "refused", "--id", "7"}) == 1);
    CHECK(count({"--since", "1ms"}) == 0);
    CHECK(letters({"drop", "--reason", "refused", "--dry-run"}).out ==
          "2 dead letters would be dropped\n");
    CHECK(letters({"replay", "--all", "--dry-run", "--json"}).out ==
          "{\"matched\":2,\"done\":0,\"dry_run\":true}\n");
    CHECK(letters({"drop"}).code == 64);
    CHECK(letters({"drop", "--all", "--since", "1h"}).code == 64);
    CHECK(letters({"list", "--since", "1"}).code == 64);
    CHECK(letters({"drop", "9"}).out == "0 dead letters dropped\n");
  }
  CHECK(letters({"drop", "7"}).out == "1 dead letter dropped\n");
  CHECK(count({}) == 1);
}

TEST_CASE_FIXTURE(GivenUp,
                  "a letter says why it was given up, how often and until when it was tried") {
  const auto out = letters({"list", "--json", "7"}).out;
  CHECK(out.find("\"id\":7,\"id_text\":\"7\",\"received_at\":\"20") != std::string::npos);
  CHECK(out.find("\"failed_at\":\"20") != std::string::npos);
  CHECK(out.find("\"attempts\":0") == std::string::npos);
  CHECK(out.find("refused") != std::string::npos);
  CHECK(daemon->page("/dead-letters?id=7").body.find("\"id_text\":\"7\"") != std::string::npos);
  CHECK(daemon->page("/dead-letters?limit=1").body.find("\"next\":-8") != std::string::npos);
}

TEST_CASE_FIXTURE(GivenUp, "replaying is receiving again, and durable when the answer comes") {
  CHECK(letters({"replay", "-8"}).out == "1 dead letter received again\n");
  const auto dump = [&] {
    return run_postofficed({"journal", "dump", "--data-dir", directory.path()}).out;
  };
  CHECK(dump().find("\"ids\":[-8]") != std::string::npos);
  CHECK(eventually([&] { return daemon->status("accepted_ids") == 3; }));
  CHECK(eventually([&] { return daemon->status("dead") == 3; }));

  daemon->process().signal(SIGKILL);
  daemon->process().exit_code();
  REQUIRE(std::filesystem::exists(directory / "admin-address"));  // stale, and harmless
  CHECK(letters({"replay", "--all"}).out == "2 dead letters received again\n");
  CHECK(dump().find("\"ids\":[-8,7]") != std::string::npos);
}

// What it was called for: `replay` posted to --listen, whoever listened there.
TEST_CASE_FIXTURE(GivenUp, "commands never ask the daemon of another data directory") {
  stop();
  const auto port = "localhost:" + std::to_string(free_port());
  const auto admin = "localhost:" + std::to_string(free_port());
  const TemporaryDirectory elsewhere;
  Daemon other(elsewhere.path(),
               {"--source", "http://127.0.0.1:1/{id}", "--listen", port, "--admin-listen", admin},
               {}, false);
  REQUIRE(other.ready());
  const Process::Setup same_addresses = [&] {
    setenv("POSTOFFICE_LISTEN", port.c_str(), 1);
    setenv("POSTOFFICE_ADMIN_LISTEN", admin.c_str(), 1);
  };
  for (const std::string command : {"replay", "drop"}) {
    const auto outcome = run_postofficed(
        {"dead-letters", command, "--all", "--data-dir", directory.path()}, same_addresses);
    CHECK(outcome.code == 0);
    CHECK(outcome.out.starts_with("2 dead letters"));
  }
  CHECK(other.status("accepted_ids") == 0);
  // Asked by name, it wants its own token.
  std::ofstream(directory / "admin-token") << "a token of another daemon\n";
  std::ofstream(directory / "token") << "a-token-of-another-daemon\n";
  const auto named = letters(
      {"drop", "--all", "--admin-listen", admin, "--admin-token-file", directory / "token"});
  CHECK(named.code == 78);
  CHECK(letters({"list", "--admin-listen", admin}).code == 0);
}

#ifdef POSTOFFICED_SQLITE
TEST_CASE_FIXTURE(GivenUp, "thousands of dead letters are handled, in bounded steps") {
  stop();
  {
    postoffice::SqliteObjectStore store({directory / "objects.db"});
    postoffice::Changes changes;
    for (postoffice::ObjectId id = 1'000; id < 13'000; ++id) {
      changes.dead_letters.push_back({id, {}, {}, 3, "HTTP 500"});
    }
    std::promise<std::error_code> applied;
    store.apply(changes, [&](std::error_code error, const auto&) { applied.set_value(error); });
    REQUIRE_FALSE(applied.get_future().get());
  }
  CHECK(letters({"replay", "--all"}).out == "12002 dead letters received again\n");
  CHECK(count({"--reason", "HTTP 500"}) == 12'000);

  Daemon next(directory.path(), {"--source", "http://127.0.0.1:1/{id}"});
  REQUIRE(next.ready());
  CHECK(next.status("accepted_ids") == 12'002);
  CHECK(count({"--reason", "HTTP 500"}) == 12'000);
  CHECK(letters({"replay", "--reason", "HTTP 500"}).out == "12000 dead letters received again\n");
  CHECK(eventually([&] { return next.status("accepted_ids") == 24'002; }));
  CHECK(letters({"drop", "--all", "--dry-run"}).out == "12002 dead letters would be dropped\n");
  CHECK(letters({"drop", "--all"}).out == "12002 dead letters dropped\n");
  CHECK(count({}) == 0);
}
#endif
