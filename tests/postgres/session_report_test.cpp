#include "postgres/session_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::postgres;

namespace {

struct Fixture {
  std::vector<std::string> said;
  SessionHealth health{std::chrono::steady_clock::now()};
  SessionReport report{
      "store", [this](LogLevel, std::string_view line) { said.emplace_back(line); }, health};

  // What has been said since the last look.
  std::vector<std::string> news() { return std::exchange(said, {}); }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a failure is told once, and its end") {
  report.set_server("10.0.0.1:5432");
  report.lost(unavailable("refused"));
  report.lost(unavailable("refused"));
  CHECK(news() == Lines{"store (10.0.0.1:5432): refused"});
  CHECK(health.status(std::chrono::steady_clock::now()).reason == "refused");
  report.connected();
  report.connected();
  CHECK(news() == Lines{"store: connected to 10.0.0.1:5432"});
  CHECK(health.status(std::chrono::steady_clock::now()).up);
}

TEST_CASE_FIXTURE(Fixture, "what is refused is not mended by a new session, nor by somebody else") {
  report.refused(unavailable("no such column"), true, Asker::apply);
  CHECK(news() == Lines{"store: no such column"});
  report.connected();
  report.worked(Asker::expire);
  CHECK(news() == Lines{});
  CHECK(health.status(std::chrono::steady_clock::now()).reason == "no such column");
  report.worked(Asker::apply);
  CHECK(news() == Lines{"store: works again"});
  CHECK(health.status(std::chrono::steady_clock::now()).reason.empty());
}

TEST_CASE_FIXTURE(Fixture, "sessions that end and begin again at once are told of now and then") {
  report.set_server("db");
  for (int i = 0; i < 3; ++i) {
    report.parted(unavailable("terminating connection"));
    CHECK(news() == Lines{});
    report.connected();
    const Lines expected{
        "store (db): the session was ended (terminating connection); connected to db"};
    CHECK(news() == (i == 0 ? expected : Lines{}));
  }
  // One that does not begin again is told of.
  report.parted(unavailable("terminating connection"));
  report.lost(unavailable("refused"));
  CHECK(news() ==
        Lines{"store (db): the session was ended (terminating connection)", "store (db): refused"});
}
