// The commands for people and their scripts: what they print, and how they end.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "postofficed.hpp"
#include "support/has.hpp"
#include "support/pty.hpp"

using namespace postoffice::testing;

namespace {

bool is_one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1 && text.back() == '\n';
}

}  // namespace

TEST_CASE("the journal commands tell programs what they tell people, damage included") {
  const TemporaryDirectory directory;
  {
    Daemon daemon(directory.path());
    REQUIRE(daemon.ready());
    for (const char* ids : {"11,12", "21,22"}) REQUIRE(daemon.post(ids).status == 202);
    daemon.process().signal(SIGTERM);
    REQUIRE(daemon.process().exit_code() == 0);
  }
  const auto journal = [&](const char* what) {
    return run_postofficed({"journal", what, "--json", "--data-dir", directory.path()});
  };
  const auto sound = journal("verify");
  CHECK(sound.code == 0);
  CHECK(is_one_line(sound.out));
  CHECK(has(sound.out, "\"callbacks\":2,\"ids\":4,"));
  CHECK(has(sound.out, "\"sound\":true"));
  CHECK(has(sound.out, "\"damage\":[]"));
  const auto dump = journal("dump");
  CHECK(dump.code == 0);
  CHECK(std::count(dump.out.begin(), dump.out.end(), '\n') == 2);

  std::ofstream(directory / "queue/0000000000000001.journal") << "what is this?";
  const auto damaged = journal("verify");
  CHECK(damaged.code == 74);
  CHECK(is_one_line(damaged.out));
  CHECK(has(damaged.out, "\"lost_callbacks\":2,\"sound\":false"));
  CHECK(has(damaged.out, "\"first_lost\":1,\"last_lost\":2"));
  CHECK(has(damaged.err, "is damaged: 2 callbacks lost"));
}

TEST_CASE("migrate tells programs whether the schema is up to date") {
  const TemporaryDirectory directory;
  const auto good = run_postofficed({"migrate", "--json", "--data-dir", directory / "data"});
  CHECK(good.code == 0);
  CHECK(good.out ==
        "{\"store\":\"sqlite:" + directory / "data/objects.db" + "\",\"up_to_date\":true}\n");
  std::ofstream(directory / "none.db") << "this is no database, and it is longer than a header of "
                                          "SQLite's, which has a hundred bytes";
  const auto bad =
      run_postofficed({"migrate", "--json", "--store", "sqlite:" + directory / "none.db"});
  CHECK(bad.code == 69);
  CHECK(is_one_line(bad.out));
  CHECK(has(bad.out, "\"up_to_date\":false,\"error\":\""));
}

TEST_CASE("self-test gives its figures to programs, as a certificate to keep") {
  const TemporaryDirectory directory;
  const auto outcome = run_postofficed({"self-test", directory.path(), "--crashes", "1", "--json"});
  CAPTURE(outcome.out);
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  CHECK(is_one_line(outcome.out));
  for (const char* part :
       {"\"certificate\":\"postofficed self-test\"", "\"version\":\"", "\"date\":\"20",
        "\"kernel\":\"Linux ", "\"file_system\":\"", "\"check\":\"kill -9\",\"result\":\"ok\"",
        "\"figures\":{\"kills\":1,", "\"median_seconds\":", "\"callbacks_refused\":",
        "\"not_checked\":[\"a power cut\"],\"verdict\":\""}) {
    CAPTURE(part);
    CHECK(has(outcome.out, part));
  }
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("long work shows a bar to whoever waits at a terminal, and takes it away again") {
  const TemporaryDirectory directory;
  PtyProcess process({postofficed(), "self-test", directory.path(), "--crashes", "1000000"}, 100,
                     30);
  CHECK(process.eventually_writes("\rself-test: kill -9  0:"));
  process.press("\003");
  CHECK(process.exit_code() == 128 + SIGINT);
  const auto& written = process.written();
  const auto last_bar = written.rfind("\rself-test: ");
  REQUIRE(last_bar != std::string::npos);
  CHECK(written.find("\r\033[K", last_bar) != std::string::npos);
}
