// A RabbitMQ with policies, limits, rights and foreign messages: accepted callbacks are stored, or
// their loss is reported.
#include <doctest/doctest.h>

#include <set>

#include "field/broker/operated.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Sends callbacks, each with an id of its own, until one is refused; the ids that were accepted.
std::set<std::int64_t> send_until_refused(Daemon& daemon, HttpAnswer& refusal) {
  std::set<std::int64_t> accepted;
  for (std::int64_t id = 1; id <= 500; ++id) {
    refusal = daemon.post(std::to_string(id));
    if (refusal.status != 202) break;
    accepted.insert(id);
  }
  return accepted;
}

}  // namespace

TEST_CASE("at a length limit callbacks get 503, and nothing accepted is lost (S1)") {
  auto& broker = OperatedBroker::shared();
  Place place("limited");
  TemporaryDirectory data, worker_data;
  Daemon serve(data.path(), place.arguments(broker.url(), {"serve"}));
  REQUIRE(serve.ready());
  REQUIRE(eventually([&] { return is_ready(serve); }));
  broker.ctl({"set_policy", "short", "^limited\\.[0-9]", R"({"max-length":40})"});

  HttpAnswer refusal;
  const auto accepted = send_until_refused(serve, refusal);
  REQUIRE(refusal.status == 503);
  CHECK(refusal.body.find("reached its limit") != std::string::npos);
  REQUIRE(eventually([&] { return !is_ready(serve); }, 5s));
  CHECK(serve.page("/readyz").body.find("reached its limit") != std::string::npos);
  CHECK(serve.page("/healthz").body.find("raise max-length") != std::string::npos);

  Daemon worker(worker_data.path(), place.arguments(broker.url(), {"worker"}));
  CHECK(place.has_rows(accepted.size()));
  CHECK(eventually([&] { return is_ready(serve); }));
  const auto rows = place.rows();
  for (const auto id : accepted) CHECK(rows.contains(id));
  // Refusals are shown for ten seconds.
  CHECK(eventually([&] { return serve.page("/healthz").status == 200; }));
  CHECK(eventually([&] { return serve.said("the broker takes messages again"); }));
}

TEST_CASE("confirmed messages that a policy drops are noticed, counted and reported") {
  auto& broker = OperatedBroker::shared();
  // Before the queues are: what is in them already stays, and nothing behind it expires.
  broker.ctl({"set_policy", "ttl", "^dropping\\.[0-9]", R"({"message-ttl":1500})"});
  Place place("dropping");
  TemporaryDirectory data;
  Daemon serve(data.path(), place.arguments(broker.url(), {"serve"}));
  REQUIRE(serve.ready());
  REQUIRE(eventually([&] { return is_ready(serve); }));
  for (int id = 1; id <= 20; ++id) CHECK(serve.post(std::to_string(id)).status == 202);
  REQUIRE(eventually(
      [&] { return serve.page("/healthz").body.find("vanished from") != std::string::npos; }, 30s));
  const auto health = serve.page("/healthz").body;
  CHECK_MESSAGE(health.find("message-ttl") != std::string::npos, health);
  CHECK(eventually(
      [&] { return serve.said("confirmed are gone from queues that nobody consumes"); }));
  const auto metrics = serve.page("/metrics").body;
  CHECK(metrics.find("postoffice_lost_messages_total 0\n") == std::string::npos);
  CHECK(metrics.find("postoffice_dead_queue_messages ") != std::string::npos);
}

TEST_CASE("an operator's queues that drop the oldest are accepted, and losses reported") {
  auto& broker = OperatedBroker::shared();
  broker.import_queues("imported", R"({"x-queue-type":"quorum","x-single-active-consumer":true,)"
                                   R"("x-dead-letter-exchange":"imported.dead",)"
                                   R"("x-delivery-limit":50,"x-max-length":20})");
  Place place("imported");
  TemporaryDirectory data;
  Daemon serve(data.path(), place.arguments(broker.url(), {"serve"}));
  REQUIRE(serve.ready());
  REQUIRE_MESSAGE(eventually([&] { return is_ready(serve); }), serve.process().err());
  CHECK(eventually([&] { return serve.said("x-delivery-limit 50"); }));
  CHECK(eventually([&] { return serve.said("declared without x-overflow"); }));
  int id = 0;
  const auto lossy = [&] {
    for (int i = 0; i < 30; ++i) CHECK(serve.post(std::to_string(++id)).status == 202);
    return serve.page("/healthz").body.find("vanished from queues") != std::string::npos;
  };
  CHECK(eventually([&] {
    std::this_thread::sleep_for(300ms);  // the rate of callbacks
    return lossy();
  }));
}

TEST_CASE("a message that is too large goes to the dead queue, and the shard goes on") {
  auto& broker = OperatedBroker::shared();
  Place place("huge");
  TemporaryDirectory data;
  Daemon run(data.path(), place.arguments(broker.url()));
  REQUIRE(run.ready());
  REQUIRE(eventually([&] { return is_ready(run); }));
  for (const std::string shard : {"0", "1"}) {
    broker.ctl({"eval", "rabbit_basic:publish(rabbit_misc:r(<<\"/\">>, exchange, <<>>), <<\"huge." +
                            shard + "\">>, [{delivery_mode, 2}], binary:copy(<<97>>, 68157440))."});
  }
  for (int id = 1; id <= 40; ++id) CHECK(run.post(std::to_string(id)).status == 202);
  CHECK(place.has_rows(40));
  CHECK(
      eventually([&] { return run.page("/healthz").body.find("68157440") != std::string::npos; }));
  CHECK(eventually([&] { return run.said("huge.0: a message of 68157440 bytes"); }));
  CHECK(eventually([&] { return run.said("huge.1: a message of 68157440 bytes"); }));
}

TEST_CASE("one working host of several is enough, and connections are closed in order") {
  auto& broker = OperatedBroker::shared();
  broker.add_user("polite", ".*", ".*", ".*");
  Place place("hosts");
  TemporaryDirectory data;
  Daemon run(data.path(), place.arguments("amqp://polite:polite@127.0.0.1:1," + broker.place()));
  REQUIRE(run.ready());
  REQUIRE_MESSAGE(eventually([&] { return is_ready(run); }), run.process().err());
  CHECK(run.post("1").status == 202);
  CHECK(place.has_rows(1));
  run.process().signal(SIGTERM);
  CHECK(run.process().exit_code() == 0);
  // What the broker has to complain of stands behind a colon.
  CHECK(eventually([&] { return broker.log().find("user: 'polite')\n") != std::string::npos; }));
  CHECK(broker.log().find("user: 'polite'):") == std::string::npos);
}
