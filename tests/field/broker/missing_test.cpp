// Callbacks that the broker had confirmed and dropped while their worker did not run.
#include <doctest/doctest.h>

#include "field/broker/operated.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

std::uint64_t missing(const Daemon& worker) {
  const auto metrics = worker.page("/metrics").body;
  const std::string name = "\npostoffice_missing_messages_total ";
  const auto at = metrics.find(name);
  return at == metrics.npos ? 0 : std::stoull(metrics.substr(at + name.size()));
}

/// A publisher and a worker that have seen each other work.
struct Pair {
  explicit Pair(const std::string& name)
      : place(name),
        serve(data.path(), place.arguments(broker.url(), {"serve"})),
        worker(worker_data.path(), place.arguments(broker.url(), {"worker"})) {
    REQUIRE(serve.ready());
    REQUIRE(worker.ready());
    REQUIRE(eventually([&] { return is_ready(serve); }));
    send(20);
    REQUIRE(place.has_rows(20));
  }

  /// So many that are accepted.
  void send(int count) {
    for (; count > 0; --count) {
      REQUIRE(eventually([&] { return serve.post(std::to_string(next)).status == 202; }));
      ++next;
    }
  }
  void cut_connections() {
    broker.ctl({"close_all_connections", "by the test"});
    // Nobody but the publisher is to be connected by then: what was not acknowledged is back.
    REQUIRE(eventually([&] { return is_ready(serve); }));
  }

  OperatedBroker& broker = OperatedBroker::shared();
  Place place;
  TemporaryDirectory data, worker_data;
  Daemon serve, worker;
  int next = 1;
};

}  // namespace

TEST_CASE("the worker reports the exact number of messages purged while it was away") {
  Pair pair("purged");
  pair.worker.process().signal(SIGSTOP);
  pair.cut_connections();
  pair.send(30);
  for (const std::string shard : {"0", "1"}) pair.broker.ctl({"purge_queue", "purged." + shard});
  pair.worker.process().signal(SIGCONT);

  CHECK(eventually([&] { return missing(pair.worker) == 30; }));
  CHECK(eventually(
      [&] { return pair.worker.said("messages that the broker had confirmed never came"); }));
  const auto health = pair.worker.page("/healthz").body;
  CHECK_MESSAGE(health.find("had confirmed never arrived") != std::string::npos, health);
  CHECK(health.find("rabbitmqctl list_policies") != std::string::npos);
  pair.send(5);
  CHECK(pair.place.has_rows(25));
  CHECK(missing(pair.worker) == 30);
}

TEST_CASE("queues that drop the oldest: the worker reports what was dropped while it was away") {
  OperatedBroker::shared().import_queues(
      "dropped", R"({"x-queue-type":"quorum","x-single-active-consumer":true,)"
                 R"("x-dead-letter-exchange":"dropped.dead","x-max-length":20})");
  Pair pair("dropped");
  pair.worker.process().signal(SIGSTOP);
  pair.cut_connections();
  pair.send(80);
  pair.worker.process().signal(SIGCONT);
  CHECK(eventually([&] { return missing(pair.worker) >= 40; }));
  CHECK(eventually([&] { return pair.place.rows().size() + missing(pair.worker) == 100; }));
}

TEST_CASE("what only looks like a loss is not reported as one") {
  Pair pair("seeming");
  pair.cut_connections();
  pair.send(10);
  pair.serve.process().signal(SIGKILL);
  CHECK(pair.serve.process().exit_code() == 128 + SIGKILL);
  Daemon again(pair.data.path(), pair.place.arguments(pair.broker.url(), {"serve"}));
  REQUIRE(again.ready());
  auto send = [&, id = 100](int count) mutable {
    for (; count > 0; --count, ++id) {
      CHECK(eventually([&] { return again.post(std::to_string(id)).status == 202; }));
    }
  };
  send(10);
  TemporaryDirectory data;
  {
    Daemon second(data.path(), pair.place.arguments(pair.broker.url(), {"worker"}));
    REQUIRE(second.ready());
    CHECK(eventually([&] { return second.said("assigned to this worker"); }, 60s));
    send(10);
    pair.broker.ctl({"close_all_connections", "by the test"});
    send(10);
    CHECK(pair.place.has_rows(60));
    CHECK(missing(second) == 0);
  }
  send(10);
  CHECK(pair.place.has_rows(70));
  CHECK_MESSAGE(missing(pair.worker) == 0, pair.worker.process().err());
}
