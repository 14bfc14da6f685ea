// Stores that are there, and stores that are not: migrate, dead letters, a daemon without database.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "postofficed.hpp"
#include "support/skip.hpp"

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

TEST_CASE("dead letters are listed, replayed and dropped") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--source", "http://127.0.0.1:1/{id}", "--ttl", "200ms"});
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("7,-8").status == 202);
  REQUIRE(eventually([&] { return daemon.status("dead") == 2; }));
  const auto letters = [&](Arguments what) {
    what.insert(what.begin(), "dead-letters");
    what.insert(what.end(), {"--data-dir", directory.path(), "--listen",
                             "localhost:" + std::to_string(daemon.port())});
    return run_postofficed(what);
  };
  const auto count = [&] {
    const auto out = letters({"list", "--json"}).out;
    return std::count(out.begin(), out.end(), '\n');
  };
  CHECK(eventually([&] { return count() == 2; }));
  CHECK(letters({"list"}).out.find("-8  20") != std::string::npos);

  SUBCASE("replaying is receiving again") {
    CHECK(letters({"replay", "-8"}).code == 0);
    CHECK(eventually([&] { return daemon.status("accepted_ids") == 3; }));
    daemon.process().signal(SIGTERM);
    REQUIRE(daemon.process().exit_code() == 0);
    CHECK(letters({"replay", "--all"}).code == 0);
    CHECK(run_postofficed({"journal", "dump", "--data-dir", directory.path()})
              .out.find("\"ids\":[-8,7]") != std::string::npos);
  }
  SUBCASE("dropping forgets them") {
    CHECK(letters({"drop", "7"}).out == "1 dead letter dropped\n");
    CHECK(count() == 1);
    CHECK(letters({"drop", "--all"}).code == 0);
    CHECK(count() == 0);
  }
}
