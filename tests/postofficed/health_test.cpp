// States of the parts, from figures and times made by hand: each lie that was found is a case.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "admin/health/watch.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

using postoffice::FetchNews;
using postoffice::LogLevel;
using postoffice::Timestamp;

struct Watched {
  Watched() {
    figures.now = Timestamp(1000h);
    figures.has_source = true;
    figures.ingress.emplace();
    figures.ingress->listening = true;
    figures.ingress->connections_max = 1000;
    figures.space.emplace();
    figures.space->disk_free = 50ull << 30;
    figures.space->disk_size = 100ull << 30;
    figures.store.reached = true;
    pipeline().fetch_limit = 64;
    pipeline().watermark = figures.now;
    look();
  }

  postoffice::PipelineStatus& pipeline() { return figures.pipeline; }
  FetchNews& news() { return figures.pipeline.fetch_news; }

  void look() { parts = watch.look(figures); }
  void pass(postoffice::Duration time) {
    figures.now += time;
    look();
  }
  /// A look every second, as the daemon has it.
  void pass_seconds(int seconds) {
    for (; seconds > 0; --seconds) pass(1s);
  }

  const PartHealth& part(const std::string& name) const {
    const auto found = std::find_if(parts.begin(), parts.end(),
                                    [&](const PartHealth& one) { return one.part == name; });
    REQUIRE_MESSAGE(found != parts.end(), name);
    return *found;
  }
  std::string state(const std::string& name) const { return name_of(part(name).state); }
  bool has(const std::string& name) const {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const PartHealth& one) { return one.part == name; });
  }

  void answer(postoffice::Duration latency = 300ms) {
    news().answered_at = figures.now;
    news().latency = latency;
    news().failures = 0;
    news().failing_since = Timestamp::max();
    news().of_one_id = true;
  }
  void fail(postoffice::ObjectId id, FetchNews::Failure kind, const std::string& reason) {
    if (news().failures > 0 && news().failed_id != id) news().of_one_id = false;
    if (news().failures++ == 0) news().failing_since = figures.now;
    news().failed_at = figures.now;
    news().failed_id = id;
    news().failure = kind;
    news().reason = reason;
  }

  long lines(const std::string& text) const {
    return std::count_if(log.begin(), log.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  HealthFigures figures;
  std::vector<std::string> log;
  HealthWatch watch{{}, [this](LogLevel, std::string_view text) { log.emplace_back(text); }};
  std::vector<PartHealth> parts;
};

constexpr auto refused = FetchNews::Failure::refused;
constexpr auto unreachable = FetchNews::Failure::unreachable;

}  // namespace

TEST_CASE_FIXTURE(Watched, "with nothing to do all is well or idle, and nothing is logged") {
  pass_seconds(3);
  for (const auto& one : parts) CHECK_FALSE(is_trouble(one.state));
  CHECK(state("source") == "idle");
  CHECK(part("source").means == "nothing has been asked yet");
  CHECK(log.empty());
}

TEST_CASE("roles list the parts that they have, and no other") {
  HealthFigures serve;
  serve.ingress.emplace();
  serve.has_broker = true;
  std::string names;
  for (const auto& part : HealthWatch().look(serve)) names += part.part + " ";
  CHECK(names == "ingress broker store ");
  HealthFigures worker;
  worker.has_broker = worker.has_source = true;
  names.clear();
  for (const auto& part : HealthWatch().look(worker)) names += part.part + " ";
  CHECK(names == "broker source store expiry ");
}

TEST_CASE_FIXTURE(Watched,
                  "one id every five seconds, all fetches refused: told within five seconds") {
  pipeline().retries_waiting = 1;
  for (int i = 0; i < 6; ++i) {
    fail(1, unreachable, "Connection refused");
    pass(500ms);
  }
  CHECK(state("source") == "down");
  CHECK(part("source").last_error == "Connection refused (id 1)");
  CHECK(part("source").means.find("it cannot be reached: 6 failures in a row") == 0);
  CHECK(lines("health: source: down: it cannot be reached") == 1);
  const auto since = part("source").since;
  pass_seconds(20);
  CHECK(part("source").since == since);
  CHECK(lines("source") == 1);
  answer();
  pipeline().retries_waiting = 0;
  pass(1s);
  CHECK(state("source") == "well");
  CHECK(part("source").last_error == "Connection refused (id 1)");
  CHECK(lines("health: source: well again, after ") == 1);
}

TEST_CASE_FIXTURE(Watched, "one id that is refused is not a source that is down") {
  pipeline().retries_waiting = 1;
  for (int i = 0; i < 5; ++i) fail(7, refused, "HTTP 500"), pass(1s);
  CHECK(state("source") == "degraded");
  CHECK(part("source").means.find("the only id asked for is refused") == 0);
  fail(8, refused, "HTTP 500");
  pass(1s);
  CHECK(state("source") == "down");
  CHECK(part("source").means.find("it answers nothing that is of use") == 0);
}

TEST_CASE_FIXTURE(Watched,
                  "with nothing left to ask a source is idle with its last error, not down") {
  pipeline().retries_waiting = 3;
  for (int i = 0; i < 9; ++i) fail(i, unreachable, "Connection refused"), pass(1s);
  CHECK(state("source") == "down");
  pipeline().retries_waiting = 0;
  pass(1s);
  CHECK(state("source") == "idle");
  CHECK(part("source").last_error == "Connection refused (id 8)");
  CHECK(part("source").means == "nothing is asked; the newest fetch failed");
}

TEST_CASE_FIXTURE(Watched, "a dead letter is one line and ten minutes of degraded, not for ever") {
  answer();
  pipeline().newest_dead = {figures.now, figures.now - 30s, 42, 19, "HTTP 500"};
  pipeline().dead = 1;
  pass(1s);
  CHECK(state("source") == "degraded");
  CHECK(part("source").means.find("id 42 became a dead letter after 19 attempts: HTTP 500") == 0);
  CHECK(part("source").next.find("dead-letters list") != std::string::npos);
  CHECK(lines("health: id 42 became a dead letter after 19 attempts in 30.0 s: HTTP 500; "
              "`postofficed") == 1);
  CHECK(log.size() == 1);
  pass(9min);
  CHECK(state("source") == "degraded");
  pass(2min);
  CHECK_FALSE(is_trouble(part("source").state));
  CHECK(log.size() == 1);
}

TEST_CASE_FIXTURE(Watched,
                  "a dead letter hides nothing that is wrong at present, nor is it hidden") {
  answer();
  pipeline().newest_dead = {figures.now, figures.now - 30s, 42, 19, "HTTP 500"};
  pipeline().dead = 1;
  pass(1s);
  CHECK(state("source") == "degraded");
  CHECK(part("source").events.empty());  // the state tells it
  pipeline().fetches_in_flight = 1;
  news().oldest_in_line = figures.now - 7s;
  pass(1s);
  CHECK(state("source") == "behind");
  CHECK(part("source").means.find("it is slow") == 0);
  REQUIRE(part("source").events.size() == 1);
  CHECK(part("source").events[0].means.find("id 42 became a dead letter") == 0);
  CHECK(part("source").events[0].next.find("dead-letters list") != std::string::npos);
  CHECK(lines("health: source: behind: it is slow") == 1);
  figures.troubles = {{"source", "is silent", "check it"}};
  pass(1s);
  CHECK(state("source") == "down");
  CHECK(part("source").events.size() == 1);
  figures.troubles.clear();
  pass_seconds(12);
  CHECK(state("source") == "behind");
  news().oldest_in_line = Timestamp::max();
  pass_seconds(12);
  CHECK(state("source") == "degraded");
  CHECK(part("source").means.find("id 42 became a dead letter") == 0);
  CHECK(lines("health: source: well again") == 1);  // the dead letter had a line of its own
  CHECK(lines("became a dead letter") == 1);
}

TEST_CASE_FIXTURE(Watched, "an id that was given up is no longer one that is refused") {
  pipeline().retries_waiting = 1;
  for (int i = 0; i < 5; ++i) fail(77, refused, "HTTP 500"), pass(1s);
  CHECK(part("source").means.find("the only id asked for is refused") == 0);
  pipeline().newest_dead = {figures.now, figures.now - 5s, 77, 5, "HTTP 500"};
  pipeline().dead = 1;
  pipeline().fetches_in_flight = 1;  // of another id, which has no answer yet
  pass(1s);
  CHECK(part("source").means.find("id 77 became a dead letter") == 0);
  fail(77, refused, "HTTP 500");  // received again
  pass(1s);
  CHECK(part("source").means.find("the only id asked for is refused") == 0);
}

TEST_CASE_FIXTURE(Watched, "a dead letter is shown until none is left in the store") {
  answer();
  pipeline().newest_dead = {figures.now, figures.now - 30s, 42, 19, "HTTP 500"};
  pipeline().dead = 1;
  const auto count = [&](std::uint64_t letters) {
    figures.counts.emplace();
    figures.counts->dead_letters = letters;
    figures.counts->letters_at = figures.now;
    pass(1s);
  };
  pass(3s);
  count(0);  // it may not have been stored by then
  CHECK(state("source") == "degraded");
  pass_seconds(10);
  CHECK(state("source") == "degraded");
  count(1);
  CHECK(state("source") == "degraded");
  count(0);
  CHECK_FALSE(is_trouble(part("source").state));
  pipeline().newest_dead.failed_at = figures.now;  // another one
  pass(1s);
  CHECK(state("source") == "degraded");
}

TEST_CASE_FIXTURE(Watched, "many dead letters are a line in ten seconds, with their number") {
  for (unsigned i = 1; i <= 15; ++i) {
    pipeline().newest_dead = {figures.now, figures.now - 30s, i, 4, "HTTP 500"};
    pipeline().dead += 10;
    pass(1s);
  }
  CHECK(lines("became a dead letter") == 2);
  CHECK(lines("so did 99 other ids since the last such line") == 1);
}

TEST_CASE_FIXTURE(
    Watched, "a slow source is behind before its first late answer, and while answers are late") {
  pipeline().fetches_in_flight = 64;
  news().oldest_in_line = figures.now;
  pass_seconds(4);
  CHECK(state("source") == "well");
  pass_seconds(2);
  CHECK(state("source") == "behind");
  CHECK(part("source").means.find("it is slow: answers take 6.0 s, the bound is 5.0 s; 64 fetches "
                                  "are in flight, 64 may be") == 0);
  CHECK(lines("health: source: behind: it is slow") == 1);
  answer(6s);
  news().oldest_in_line = figures.now;
  pass_seconds(4);
  CHECK(state("source") == "behind");
  answer(1s);
  news().oldest_in_line = Timestamp::max();
  pass_seconds(3);
  CHECK(state("source") == "behind");  // not better until it has been so for a while
  pass_seconds(3);
  CHECK(state("source") == "well");
  CHECK(lines("health: source: well again") == 1);
}

TEST_CASE_FIXTURE(Watched, "half of the fetches failing is told, a few are not") {
  pipeline().fetches_in_flight = 1;
  news().newest = 32;
  news().newest_failed = 5;
  fail(3, refused, "HTTP 502");
  answer();
  pass(1s);
  CHECK(state("source") == "well");
  news().newest_failed = 16;
  pass(1s);
  CHECK(state("source") == "degraded");
  CHECK(part("source").means.find("16 of the newest 32 fetches failed") == 0);
}

TEST_CASE_FIXTURE(Watched, "what the part itself logs is not logged again, its end neither") {
  figures.troubles = {{"source", "is silent", "check it"}};
  pass(1s);
  CHECK(state("source") == "down");
  CHECK(part("source").next == "check it");
  figures.troubles.clear();
  pass_seconds(2);
  CHECK_FALSE(is_trouble(part("source").state));
  CHECK(log.empty());
}

TEST_CASE_FIXTURE(Watched,
                  "a part that turns all the time is a line in ten seconds, true in the end") {
  for (int i = 0; i < 25; ++i) {
    figures.ingress->full = i % 2 == 0;
    pass(1s);
  }
  CHECK(state("ingress") == "down");
  CHECK(log.size() <= 4);
  CHECK(lines("in between)") > 0);
  figures.ingress->full = false;
  pass_seconds(12);
  CHECK(log.back().find("health: ingress: well again") == 0);
}

TEST_CASE_FIXTURE(Watched, "no connection left is down, nearly none left is degraded (S9)") {
  figures.ingress->connections = 899;
  look();
  CHECK(state("ingress") == "well");
  figures.ingress->connections = 900;
  look();
  CHECK(state("ingress") == "degraded");
  figures.ingress->connections = 1000;
  figures.ingress->full = true;
  look();
  CHECK(state("ingress") == "down");
  CHECK(part("ingress").means ==
        "1000 of 1000 connections are in use: a new sender gets no answer");
  CHECK(part("ingress").next.find("ulimit -n") != std::string::npos);
}

TEST_CASE_FIXTURE(Watched, "refused callbacks are told for ten seconds") {
  figures.ingress->refused = 162;
  pass(1s);
  CHECK(state("ingress") == "degraded");
  CHECK(part("ingress").means.find("162 callbacks got 503 within 10.0 s") == 0);
  CHECK(lines("health: ingress: degraded: 162 callbacks got 503") == 1);
  pass_seconds(12);
  CHECK(state("ingress") == "well");
  CHECK(part("ingress").last_error.find("162 callbacks") == 0);
}

TEST_CASE_FIXTURE(Watched, "a daemon that is being stopped has no trouble with its listener") {
  figures.stopping = true;
  figures.ingress->listening = false;
  look();
  CHECK(state("ingress") == "idle");
  figures.stopping = false;
  look();
  CHECK(state("ingress") == "down");
}

TEST_CASE_FIXTURE(Watched,
                  "the disk is told to fill before it is full, by its bound and by its pace") {
  auto& space = *figures.space;
  space.left_to_others = 512u << 20;
  space.disk_free = (2ull << 30) + space.left_to_others;
  look();
  CHECK(state("queue") == "well");
  space.disk_free -= 1 << 20;
  look();
  CHECK(state("queue") == "degraded");
  CHECK(part("queue").means.find("the disk fills: 2047 MiB are left for the queue") == 0);
  CHECK(lines("health: queue: degraded: the disk fills") == 1);
  space.disk_free = 40ull << 30;
  pass_seconds(12);
  CHECK(state("queue") == "well");
  CHECK(lines("health: queue: well again") == 1);

  for (int i = 0; i < 60; ++i) {  // 100 MiB a second: 40 GiB in less than seven minutes
    space.held += 100u << 20;
    pass(1s);
  }
  CHECK(state("queue") == "degraded");
  CHECK(part("queue").means.find("fills them within ten minutes") != std::string::npos);
  pass_seconds(75);
  CHECK(state("queue") == "well");
}

TEST_CASE_FIXTURE(Watched, "a file more, a burst of files and files that come and go are no pace") {
  constexpr std::uint64_t segment = 64 << 20;
  auto& space = *figures.space;
  space.disk_size = 400ull << 20;
  space.disk_free = 300ull << 20;
  space.held = 2 * segment;
  const auto never_fills = [&](int seconds, auto change) {
    for (int i = 0; i < seconds; ++i) {
      change(i);
      pass(1s);
      REQUIRE_MESSAGE(state("queue") == "well", part("queue").means);
    }
  };
  never_fills(130, [](int) {});
  never_fills(130, [&](int i) { space.held += i == 40 ? segment : 0; });
  never_fills(130, [&](int i) { space.held += i > 20 && i < 24 ? segment : 0; });
  never_fills(300, [&](int i) { space.held = (5 + i / 20 % 3) * segment; });
  // One file in fifteen seconds, all the time: four a minute.
  for (int i = 0; i < 70; ++i) {
    if (i % 15 == 0) space.held += segment;
    pass(1s);
  }
  CHECK(state("queue") == "degraded");
  CHECK(part("queue").means.find("MiB a minute, which fills") != std::string::npos);
}

TEST_CASE_FIXTURE(Watched, "on a small disk the bound is a tenth of it") {
  figures.space->disk_size = 10ull << 30;
  figures.space->disk_free = 1100u << 20;
  look();
  CHECK(state("queue") == "well");
  figures.space->disk_free = 1000u << 20;
  look();
  CHECK(state("queue") == "degraded");
}

TEST_CASE_FIXTURE(Watched, "a spare file in use, and damage for ten minutes, are degraded") {
  figures.space->growth_stopped = figures.space->spare_taken = true;
  look();
  CHECK(state("queue") == "degraded");
  figures.space->growth_stopped = figures.space->spare_taken = false;
  pass(1s);
  CHECK(state("queue") == "well");
  figures.lost_records = 3;
  pass(1s);
  CHECK(state("queue") == "degraded");
  CHECK(part("queue").next.find("journal verify") != std::string::npos);
  pass(11min);
  CHECK(state("queue") == "well");
  CHECK(log.empty());  // the queue says all of this itself
}

TEST_CASE_FIXTURE(Watched, "lag of the watermark is behind, whoever causes it") {
  figures.watermark_lag_seconds = 1.9;
  look();
  CHECK(state("expiry") == "well");
  figures.watermark_lag_seconds = 481;
  pass(1s);
  CHECK(state("expiry") == "well");  // a start, a burst
  pass_seconds(2);
  CHECK(state("expiry") == "behind");
  CHECK(part("expiry").means.find("rows are deleted 481.0 s late, the bound is 2.0 s") == 0);
  CHECK(lines("health: expiry: behind") == 1);
  figures.watermark_lag_seconds = 0;
  pass_seconds(3);
  CHECK(state("expiry") == "well");
  pipeline().watermark = {};  // not known yet
  figures.watermark_lag_seconds = 1e9;
  pass_seconds(5);
  CHECK(state("expiry") == "well");
}

TEST_CASE_FIXTURE(Watched,
                  "a store that was never reached is not well, and nothing blames others") {
  figures.store.reached = false;
  look();
  CHECK(state("store") == "idle");
  figures.troubles = {{"store", "db:5432 was never reached, for 5 s: Connection refused", "check"}};
  pass(1s);
  CHECK(state("store") == "down");
  CHECK(part("store").last_error.find("Connection refused") != std::string::npos);
  CHECK(state("expiry") == "behind");
  CHECK(state("source") == "idle");
  CHECK(state("queue") == "well");
  CHECK(log.empty());
}

TEST_CASE_FIXTURE(Watched, "answers that wait for their rows are a store that is behind") {
  pipeline().oldest_waiting.store = figures.now;
  pass(1s);
  CHECK(state("store") == "well");
  pass(2s);
  CHECK(state("store") == "behind");
  CHECK(part("store").means.find("the oldest for 3.0 s, the bound is 2.0 s") != std::string::npos);
}

TEST_CASE_FIXTURE(Watched, "ids that wait in the queue only are a source that is behind") {
  figures.troubles = {{"backlog", "behind since then", "wait", PartState::behind}};
  look();
  CHECK(state("source") == "behind");
}
