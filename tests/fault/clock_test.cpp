// A wall clock that is set while the daemon runs and between its runs, and a daemon that is frozen.
#include <doctest/doctest.h>

#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t ttl_us = 3'000'000;

struct Scene {
  Scene() { set_clock(0); }

  /// Only the daemon's wall clock, from now on.
  void set_clock(std::int64_t seconds_ahead) const {
    // In one write, over the old one: the daemon looks at this very file.
    const int file = open(clock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(pwrite(file, &seconds_ahead, sizeof seconds_ahead, 0) == sizeof seconds_ahead);
    close(file);
  }

  void start() {
    const auto lie = [this] {
      setenv("LD_PRELOAD", FAKE_WALL_CLOCK, 1);
      setenv("FAKE_WALL_CLOCK", clock_path.c_str(), 1);
    };
    daemon.emplace(
        data.path(),
        Arguments{"--source", source.url(), "--ttl", "3s", "--fetch-concurrency", "64", "--listen",
                  "localhost:" + std::to_string(port), "--admin-listen", "localhost:0"},
        lie, false);
    REQUIRE(daemon->ready());
    port = daemon->port();
    REQUIRE(eventually([&] { return daemon->page("/objects").status == 200; }));
    watermark.clear();  // a new run begins with what the last one did not finish
  }

  Rows rows() const { return sqlite_rows(data / "objects.db"); }

  /// Watches rows and watermark for some time.
  void watch(std::chrono::milliseconds time) {
    const auto end = now_us() + std::chrono::microseconds(time).count();
    while (now_us() < end) {
      look();
      std::this_thread::sleep_for(20ms);  // between looks
    }
  }

  void look() {
    const auto looked_at = now_us();
    const auto found = rows();
    watched.look(found);
    ++looks;
    check_live(found, looked_at);
    const auto status = daemon->page("/status").body;
    const auto place = status.find("\"watermark\":\"");
    if (place == std::string::npos) return;
    const auto now = status.substr(place + 13, status.find('"', place + 13) - place - 13);
    CHECK_MESSAGE(now >= watermark, "the watermark went back from " << watermark << " to " << now);
    watermark = std::max(watermark, now);
  }

  /// What was received within ttl, and long enough ago to be fetched and stored, has its row (S6).
  void check_live(const Rows& found, std::int64_t looked_at) {
    const auto since = std::max(looked_at - ttl_us + 300'000, live_since);
    const auto sent = ledger.since(since);
    for (const Sent& one : sent) {
      if (one.status != 202 || one.sent_at < since) continue;
      if (one.answered_at > looked_at - 1'000'000) continue;
      ++live;
      for (const auto id : one.ids) {
        if (!found.contains(id)) complaints.add("received within ttl, but without row", id);
      }
    }
  }

  /// No row stays long after it has expired.
  void check_expiry() const {
    const auto oldest = now_us() - ttl_us - 2'000'000;
    Complaints late;
    for (const auto& [id, row] : rows()) {
      if (row.last_seen < oldest) late.add("row long after its time", id);
    }
    late.check();
  }

  /// An id that keeps coming has a recent last_seen.
  void check_last_seen() const {
    const auto found = rows();
    for (std::int64_t id = -Ledger::hot_ids; id < 0; ++id) {
      REQUIRE(found.contains(id));
      CHECK(found.at(id).last_seen > now_us() - 2'000'000);
    }
  }

  void restart(std::int64_t seconds_ahead);

  void end(Sender& sender, const std::string& what) const {
    sender.stop();
    CHECK(all_ended(*daemon));
    check_identity(*daemon);
    CHECK(live > 0);
    watched.check();
    complaints.check();
    report(what + ": " + std::to_string(ledger.accepted()) + " callbacks accepted, " +
           std::to_string(looks) + " looks at the rows, no live one gone");
  }

  TemporaryDirectory notes;
  const std::string clock_path = notes / "clock";
  TemporaryDirectory data;
  Source source;
  Ledger ledger;
  RowWatch watched;
  Complaints complaints;
  std::string watermark;
  int looks = 0;
  std::size_t live = 0;
  std::int64_t live_since = 0;  // what was accepted earlier need not be looked for
  std::uint16_t port = 0;
  std::optional<Daemon> daemon;
};

/// The difference between the daemon's wall clock and ours, by the Date of its answers.
std::int64_t seconds_ahead(const Daemon& daemon) {
  tm date{};
  REQUIRE(strptime(daemon.page("/livez").header("Date").c_str(), "%a, %d %b %Y %T", &date));
  return timegm(&date) - now_us() / 1'000'000;
}

bool ahead_by(const Daemon& daemon, std::int64_t seconds) {
  return eventually([&] { return std::abs(seconds_ahead(daemon) - seconds) <= 2; }, 5s);
}

/// Kills the daemon, and starts it with another wall clock.
void Scene::restart(std::int64_t seconds_ahead) {
  daemon->process().signal(SIGKILL);
  REQUIRE(daemon->process().exit_code() == 128 + SIGKILL);
  set_clock(seconds_ahead);
  start();
  REQUIRE(ahead_by(*daemon, seconds_ahead));
}

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

}  // namespace

TEST_CASE(
    "the wall clock steps while running: no live row is deleted, W and last_seen rise (S2, S6)") {
  Scene scene;
  scene.start();
  Sender sender(scene.port, scene.ledger, 2, 10ms);
  scene.watch(1500ms);
  for (const std::int64_t step : {hour, -hour, day, -day, std::int64_t{0}}) {
    CAPTURE(step);
    scene.set_clock(step);
    REQUIRE_MESSAGE(ahead_by(*scene.daemon, step), "the clock was not set");
    scene.watch(1500ms);
  }
  scene.check_last_seen();
  scene.check_expiry();
  scene.end(sender, "wall clock stepped while running, 5 times");
}

TEST_CASE("the wall clock set back between runs: no live row is deleted, time goes on (S2, S6)") {
  for (const std::int64_t step : {-hour, -day}) {
    CAPTURE(step);
    Scene scene;
    scene.start();
    Sender sender(scene.port, scene.ledger, 2, 10ms);
    scene.watch(1500ms);
    for (int restart = 0; restart < 2; ++restart) {
      scene.restart(step);
      scene.watch(2s);
    }
    scene.watch(2s);  // rows of before the step have their time to expire
    scene.check_last_seen();
    scene.check_expiry();
    scene.end(sender, "wall clock set by " + std::to_string(step) + " s between runs");
  }
}

TEST_CASE("the wall clock set forward between runs: received ids have their rows again (S2, S6)") {
  // The time since the last run is then unknown; rows may expire in it, and do not stay away.
  for (const std::int64_t step : {hour, day}) {
    CAPTURE(step);
    Scene scene;
    scene.start();
    Sender sender(scene.port, scene.ledger, 2, 10ms);
    scene.watch(1500ms);
    for (const std::int64_t now_ahead : {step, std::int64_t{0}}) {
      scene.restart(now_ahead);
      scene.live_since = now_us();
      scene.watch(2s);
    }
    scene.end(sender, "wall clock set by +" + std::to_string(step) + " s between runs, and back");
  }
}

TEST_CASE("a daemon frozen for longer than ttl under load deletes no live row (S4, S6)") {
  const char* wanted = std::getenv("POSTOFFICE_FREEZE_SECONDS");
  const std::chrono::seconds freeze(wanted ? std::atoi(wanted) : 5);
  Scene scene;
  scene.start();
  Sender sender(scene.port, scene.ledger, 2, 10ms);
  scene.watch(2s);
  for (int i = 0; i < 2; ++i) {
    scene.daemon->process().signal(SIGSTOP);
    std::this_thread::sleep_for(freeze);  // the fault itself
    scene.daemon->process().signal(SIGCONT);
    scene.watch(2s);
  }
  scene.check_last_seen();
  scene.check_expiry();
  scene.end(sender, "frozen twice for " + std::to_string(freeze.count()) + " s, with a ttl of 3 s");
}
