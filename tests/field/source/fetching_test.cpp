// Sources that fail some ids, and overloaded sources: gunicorn with one worker, with several, with
// threads, and Node.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/rows.hpp"
#include "support/skip.hpp"
#include "support/sqlite_rows.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

const char* const gunicorn = "/usr/bin/gunicorn";
const char* const node = "/usr/bin/node";

void need(const char* program) {
  if (access(program, X_OK) == 0) return;
  skip_rest(std::string(program) + " is not installed");
}

struct Source {
  Source(std::vector<std::string> command, const std::string& delay_ms,
         const std::string& delay_max_ms, std::string port_after)
      : process(std::move(command), [&] {
          setenv("DELAY_MS", delay_ms.c_str(), 1);
          setenv("DELAY_MAX_MS", delay_max_ms.c_str(), 1);
          setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
        }) {
    REQUIRE(eventually([&] { return port(port_after) != 0; }));
    url = "http://127.0.0.1:" + std::to_string(port(port_after)) + "/objects/{id}";
  }
  ~Source() {  // its workers, too
    process.signal(SIGTERM);
    process.exit_code(std::chrono::seconds(5));
  }

  int port(const std::string& text) const {
    const std::string said = process.out() + process.err();
    const auto place = said.find(text);
    return place == std::string::npos ? 0 : std::atoi(said.c_str() + place + text.size());
  }

  Process process;
  std::string url;
};

std::unique_ptr<Source> gunicorn_source(std::vector<std::string> options, const std::string& ms,
                                        const std::string& max_ms) {
  std::vector<std::string> command{
      gunicorn, "--chdir", FIELD_DIRECTORY, "-b", "127.0.0.1:0", "--graceful-timeout", "1"};
  command.insert(command.end(), options.begin(), options.end());
  command.emplace_back("slow_app:app");
  return std::make_unique<Source>(command, ms, max_ms, "Listening at: http://127.0.0.1:");
}

std::unique_ptr<Source> node_source(const std::string& delay_ms) {
  const std::vector<std::string> command{node, FIELD_DIRECTORY "/event_driven.js"};
  return std::make_unique<Source>(command, delay_ms, delay_ms, "port ");
}

/// A daemon with such a source, and what was sent to it when.
struct World {
  World(std::string kind, std::unique_ptr<Source> its_source, Arguments more)
      : name(std::move(kind)), source(std::move(its_source)) {
    if (source) more.insert(more.end(), {"--source", source->url});
    daemon = std::make_unique<Daemon>(data.path(), more);
    REQUIRE(daemon->ready());
  }

  void send(std::int64_t first, int count) {
    std::string ids;
    for (int i = 0; i < count; ++i) ids += (i == 0 ? "" : ",") + std::to_string(first + i);
    REQUIRE(daemon->post(ids).status == 202);
  }
  void send_good() {
    sent[next] = Clock::now();
    send(next++, 1);
  }
  Rows rows() const {
    try {
      return sqlite_rows(data / "objects.db");
    } catch (const std::runtime_error&) {
      return {};  // the table is not there yet
    }
  }

  /// All that were received within `newest` and `oldest` ago have rows.
  bool all_live(Seconds newest, Seconds oldest) const {
    const Rows there = rows();
    const auto now = Clock::now();
    for (const auto& [id, at] : sent) {
      const bool live = now - at > newest && now - at < oldest;
      if (live && there.count(id) == 0) return false;
    }
    return true;
  }
  bool silent() const {
    return daemon->page("/status").body.find("\"source_open\":true") != std::string::npos;
  }

  std::string name;
  TemporaryDirectory data;
  std::unique_ptr<Source> source;
  std::unique_ptr<Daemon> daemon;
  std::map<std::int64_t, Clock::time_point> sent;
  std::int64_t next = 1'000'000;
};

}  // namespace

TEST_CASE("good ids get their rows at once beside a thousand that the source fails (S7)") {
  need(node);
  World world("node", node_source("0"), {});
  std::map<std::int64_t, Seconds> took;
  const auto begun = Clock::now();
  auto next_bad = begun;
  auto next_good = begun + 1s;
  while (Clock::now() < begun + 9s) {
    if (Clock::now() >= next_bad) {
      for (int i = 0; i < 1'000; i += 200) world.send(i, 200);
      next_bad += 5s;
    }
    if (Clock::now() >= next_good) {
      world.send_good();
      next_good += 500ms;
    }
    for (const auto& [id, row] : world.rows()) {
      if (world.sent.count(id) != 0) took.try_emplace(id, Clock::now() - world.sent[id]);
    }
    std::this_thread::sleep_for(20ms);  // between looks
  }
  Seconds slowest{};
  for (const auto& [id, at] : world.sent) {
    if (Clock::now() - at < 2s) continue;
    REQUIRE_MESSAGE(took.count(id) != 0, "no row of " << id);
    slowest = std::max(slowest, took[id]);
  }
  std::printf("%zu good ids, the slowest row after %.2f s\n", took.size(), slowest.count());
  CHECK(slowest <= 2s);
  CHECK_FALSE(world.silent());
}

// Each serves 20 a second, 10 new ones come, and once 500: more than it answers in the timeout.
TEST_CASE("every kind of server recovers after a burst, at half of its capacity (S9)") {
  need(node);
  need(gunicorn);
  const Arguments options{"--ttl", "10s", "--fetch-timeout", "3s"};
  std::vector<std::unique_ptr<World>> worlds;
  const auto add = [&](const char* name, std::unique_ptr<Source> source) {
    worlds.push_back(std::make_unique<World>(name, std::move(source), options));
  };
  add("one worker", gunicorn_source({"-w", "1"}, "50", "50"));
  add("four workers", gunicorn_source({"-w", "4"}, "200", "200"));
  add("16 threads", gunicorn_source({"-k", "gthread", "--threads", "16"}, "300", "1300"));
  add("event-driven", node_source("50"));

  const auto begun = Clock::now();
  const auto burst = begun + 4s;
  std::map<std::string, Seconds> well_after;
  bool sent = false;
  for (auto tick = begun; tick < burst + 35s && well_after.size() < worlds.size(); tick += 100ms) {
    std::this_thread::sleep_until(tick);
    if (!sent && tick >= burst) {
      sent = true;
      for (const auto& world : worlds) world->send(2'000'000, 500);
    }
    for (const auto& world : worlds) {
      world->send_good();
      // The burst is older than ttl, so that there is capacity for all that live.
      if (tick < burst + 12s || well_after.count(world->name) != 0) continue;
      if (world->all_live(2500ms, 8s)) well_after[world->name] = tick - burst;
    }
  }
  for (const auto& world : worlds) {
    REQUIRE_MESSAGE(well_after.count(world->name) != 0, world->name << " never came right");
    std::printf("%s: well %.1f s after the burst\n", world->name.c_str(),
                well_after[world->name].count());
  }
}

TEST_CASE("a source that is down is no longer reported as silent when nothing is left to fetch") {
  World world("none", nullptr, {"--source", "http://127.0.0.1:1/objects/{id}", "--ttl", "2s"});
  world.send(1, 14);
  REQUIRE(eventually([&] { return world.silent(); }));
  REQUIRE(eventually([&] { return world.daemon->status("pending") == 0; }, 40s));
  CHECK(eventually([&] { return !world.silent(); }, 5s));
  CHECK(world.daemon->page("/healthz").body.find("once a second") == std::string::npos);
  CHECK(eventually([&] { return world.daemon->said("nothing is left to fetch"); }));
  world.send(100, 1);
  CHECK(eventually([&] { return world.silent(); }, 5s));
}

TEST_CASE("a Retry-After holds an object back for half of the ttl at most") {
  need(node);
  World world("node", node_source("0"), {"--ttl", "6s"});
  const auto begun = Clock::now();
  while (world.rows().count(900'000'000) == 0 && Clock::now() < begun + 8s) {
    world.send(900'000'000, 1);
    std::this_thread::sleep_for(500ms);  // the rate of receipts
  }
  CHECK(world.rows().count(900'000'000) == 1);
  CHECK(Clock::now() - begun >= 2500ms);
}
