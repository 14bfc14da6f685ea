// A source that is down, slow, or has one bad id; and a burst beyond what is kept in memory.
#include <atomic>
#include <thread>

#include "fault/sender.hpp"
#include "field/incidents/told.hpp"
#include "http/client/scripted_server.hpp"
#include "support/free_port.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(const std::string& url, Arguments more = {}) {
    more.insert(more.end(), {"--source", url});
    daemon.emplace(data.path(), more);
    REQUIRE(daemon->ready());
  }

  double of(const std::string& series) const { return metric(*daemon, series); }

  TemporaryDirectory data;
  std::optional<Daemon> daemon;
};

void answer_all(Peer& peer) {
  for (std::int64_t id = 0; peer.request_id(id);) peer.answer(id);
}

}  // namespace

TEST_CASE("incident: the source is down, with a single callback") {
  const auto port = free_port();
  Scene scene("http://127.0.0.1:" + std::to_string(port) + "/objects/{id}");
  Told down(*scene.daemon);
  REQUIRE(scene.daemon->post("1").status == 202);
  down.check({"source", "down", "refused", "--source|runs|reach", "source.*refused", [&] {
                return scene.of("postoffice_fetch_retries_total{cause=\"unreachable\"}") > 0;
              }});
  CHECK(scene.daemon->page("/readyz").status == 200);

  Told up(*scene.daemon);
  ScriptedServer server(answer_all, port);
  up.check_over("source.*again", [&] {
    return scene.of("postoffice_part_state{part=\"source\",state=\"down\"}") == 0;
  });
  scene.daemon.reset();
}

TEST_CASE("incident: the source is slow, and no fetch fails") {
  // An answer that takes longer than half of --fetch-timeout is late.
  Source source;
  Scene scene(source.url(), {"--fetch-concurrency", "8", "--fetch-timeout", "6s"});
  REQUIRE(scene.daemon->post("1").status == 202);
  REQUIRE(eventually([&] { return scene.daemon->status("stored") == 1; }));
  source.hang(true);
  std::string ids = "2";
  for (int id = 3; id <= 60; ++id) ids += "," + std::to_string(id);
  Told slow(*scene.daemon);
  REQUIRE(scene.daemon->post(ids).status == 202);
  slow.check({"source", "behind", "slow|late", "load|--fetch", "source: behind", [&] {
                return scene.of("postoffice_oldest_waiting_seconds{cause=\"fetch\"}") > 2 &&
                       scene.of("postoffice_fetches_in_flight") ==
                           scene.of("postoffice_fetch_limit");
              }});
  CHECK(scene.of("postoffice_fetch_failures_total") == 0);
  Told over(*scene.daemon);
  source.hang(false);
  over.check_over("source.*again", [&] {
    return scene.of("postoffice_oldest_waiting_seconds{cause=\"fetch\"}") < 1;
  });
  scene.daemon.reset();
}

TEST_CASE("incident: one poison id, until it is given up and until somebody drops it") {
  std::atomic<bool> slow{true};
  ScriptedServer server([&slow](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id == 79) slow.wait(true);
      if (id == 77) {
        peer.send(Peer::with_status("500 Oh", ""));
      } else {
        peer.answer(id);
      }
    }
  });
  Scene scene(server.url(), {"--ttl", "2s", "--fetch-timeout", "6s"});
  Told dead(*scene.daemon);
  REQUIRE(scene.daemon->post("77,78").status == 202);
  REQUIRE(eventually([&] { return scene.daemon->status("dead") == 1; }));
  dead.happened();
  dead.check({"source", "degraded", "\\b77\\b.*HTTP 500", "dead-letters",
              "\\b77\\b.*dead letter.*HTTP 500",
              [&] { return scene.of("postoffice_ids_total{outcome=\"dead\"}") == 1; }});
  CHECK(eventually([&] { return scene.of("postoffice_dead_letters") == 1; }, over_within));
  CHECK_FALSE(scene.of("postoffice_source_open") == 1);  // one bad id is no outage

  // What is wrong now comes first, and the dead letter is told beside it.
  REQUIRE(scene.daemon->post("79").status == 202);
  const auto slow_and_dead = [&] {
    const auto health = scene.daemon->page("/healthz").body;
    return speaks_of(health, "\"state\":\"behind\"[^}]*it is slow") &&
           speaks_of(health, "\"troubles\":.*id 77 became a dead letter");
  };
  CHECK(eventually(slow_and_dead, told_within));
  slow = false;
  slow.notify_all();
  CHECK(eventually([&] { return scene.daemon->said("health: source: well again"); }, over_within));
  CHECK(scene.of("postoffice_part_state{part=\"source\",state=\"degraded\"}") == 1);
  const auto dropped =
      run_postofficed({"dead-letters", "drop", "77", "--data-dir", scene.data.path()});
  CHECK_MESSAGE(dropped.code == 0, dropped.err);
  CHECK(eventually([&] { return scene.of("postoffice_dead_letters") == 0; }, over_within));
  CHECK(eventually([&] { return scene.daemon->page("/healthz").status == 200; }, over_within));
  scene.daemon.reset();
}

TEST_CASE("incident: one poison id and no other, however often it is asked for, is no outage") {
  ScriptedServer server([](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) peer.send(Peer::with_status("500 Oh", ""));
  });
  Scene scene(server.url());
  Told poison(*scene.daemon);
  REQUIRE(scene.daemon->post("77").status == 202);
  poison.check({"source", "degraded", "only id.*HTTP 500.*\\b77\\b", "curl", "source.*HTTP 500",
                [&] { return scene.of("postoffice_fetch_retries_total{cause=\"refused\"}") > 0; }});
  const auto refused = [&] {
    return scene.of("postoffice_refused_answers_total{reason=\"status_5xx\"}");
  };
  // A run of eight is one that tells something, if it is about more than one id.
  REQUIRE(eventually([&] { return refused() >= 9; }, 30s));
  CHECK(scene.of("postoffice_part_state{part=\"source\",state=\"degraded\"}") == 1);
  Told more(*scene.daemon);
  REQUIRE(scene.daemon->post("78,79").status == 202);
  more.check({"source", "down", "HTTP 500", "curl", "source.*every answer is refused", [&] {
                return scene.of("postoffice_part_state{part=\"source\",state=\"down\"}") == 1;
              }});
  scene.daemon.reset();
}
