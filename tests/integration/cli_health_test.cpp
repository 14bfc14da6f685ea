// What /healthz and /readyz say of a real daemon: the lies that were found, each within seconds.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <vector>

#include "postofficed.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

bool has(const HttpAnswer& page, const std::string& text) {
  return page.body.find(text) != std::string::npos;
}

bool part_is(const Daemon& daemon, const std::string& part, const std::string& state) {
  return has(daemon.page("/healthz"), "\"part\":\"" + part + "\",\"state\":\"" + state + "\"") &&
         has(daemon.page("/metrics"),
             "\npostoffice_part_state{part=\"" + part + "\",state=\"" + state + "\"} 1\n");
}

}  // namespace

TEST_CASE("one id that cannot be fetched is told within five seconds, in health and log") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--source", "http://127.0.0.1:1/{id}"});
  REQUIRE(daemon.ready());
  CHECK(eventually([&] { return part_is(daemon, "source", "idle"); }));
  CHECK(daemon.page("/healthz").status == 200);
  REQUIRE(daemon.post("7").status == 202);
  CHECK(eventually([&] { return part_is(daemon, "source", "down"); }, 5s));
  const auto health = daemon.page("/healthz");
  CHECK(health.status == 503);
  CHECK(has(health, "\"source\":\"down\""));
  CHECK(has(health, "it cannot be reached"));
  CHECK(has(health, "Connection refused (id 7)"));
  CHECK(eventually([&] { return daemon.said("health: source: down: it cannot be reached"); }, 5s));
  CHECK(daemon.page("/readyz").status == 200);
}

TEST_CASE("ids given up are told, and a source that nobody asks any more is not called down") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--source", "http://127.0.0.1:1/{id}", "--ttl", "1s"});
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("7,8,9,10,11,12,13,14,15").status == 202);
  REQUIRE(eventually([&] { return daemon.status("dead") == 9; }));
  CHECK(eventually([&] { return part_is(daemon, "source", "degraded"); }, 5s));
  const auto health = daemon.page("/healthz");
  CHECK(has(health, "\"source\":\"up\""));
  CHECK(has(health, "became a dead letter after"));
  CHECK(has(health, "dead-letters list"));
  CHECK(eventually([&] { return daemon.said("became a dead letter after"); }, 5s));
  CHECK(daemon.said("Connection refused"));
}

TEST_CASE("a source that is slow is told before its first late answer") {
  const TemporaryDirectory directory;
  Source source;
  source.hang(true);
  Daemon daemon(directory.path(), {"--source", source.url(), "--fetch-timeout", "2s"});
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("1,2").status == 202);
  CHECK(eventually([&] { return part_is(daemon, "source", "behind"); }, 4s));
  CHECK(has(daemon.page("/healthz"), "it is slow: answers take "));
  source.hang(false);
  CHECK(daemon.post("3,4,5,6,7,8").status == 202);
  CHECK(eventually([&] { return part_is(daemon, "source", "well"); }));
}

TEST_CASE("without a connection left the daemon is not ready, and says why") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--fetch-concurrency", "1"}, [] {
    const rlimit tight{96, 96};
    setrlimit(RLIMIT_NOFILE, &tight);
  });
  REQUIRE(daemon.ready());
  CHECK(daemon.page("/readyz").status == 200);
  {
    std::vector<std::unique_ptr<test::HttpClient>> senders;
    const bool full = eventually([&] {
      if (senders.size() < 80) senders.push_back(std::make_unique<test::HttpClient>(daemon.port()));
      return daemon.page("/readyz").status == 503;
    });
    CHECK(full);
    CHECK(has(daemon.page("/readyz"), "all connections that are allowed are in use"));
    CHECK(part_is(daemon, "ingress", "down"));
    CHECK(has(daemon.page("/healthz"), "a new sender gets no answer"));
    CHECK(eventually([&] { return daemon.said("health: ingress: down"); }, 5s));
  }
  CHECK(eventually([&] { return daemon.page("/readyz").status == 200; }));
  CHECK(eventually([&] { return part_is(daemon, "ingress", "well"); }));
}

TEST_CASE(
    "with --drain-delay readiness ends first, on both listeners; callbacks are taken on (S10)") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--drain-delay", "1h", "--public-health"});
  REQUIRE(daemon.ready());
  CHECK(http_get(daemon.port(), "/readyz").status == 200);
  daemon.process().signal(SIGTERM);
  CHECK(eventually([&] { return daemon.page("/readyz").status == 503; }));
  CHECK(has(daemon.page("/readyz"), "is being stopped"));
  CHECK(http_get(daemon.port(), "/readyz").status == 503);
  CHECK(daemon.post("1").status == 202);
  CHECK(daemon.page("/livez").status == 200);
  CHECK(part_is(daemon, "ingress", "idle"));
  CHECK(daemon.said("stopping in 3600.0 s"));
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 128 + SIGTERM);
}

TEST_CASE("after --drain-delay draining begins by itself") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--drain-delay", "200ms"});
  REQUIRE(daemon.ready());
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 0);
  CHECK(daemon.said("stopping in 0.2 s"));
  CHECK(daemon.said("stopping: waiting for fetches in flight"));
}
