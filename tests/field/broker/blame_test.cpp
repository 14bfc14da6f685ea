// Which part is blamed when the database stops: the store, and nobody else.
#include <doctest/doctest.h>

#include "field/broker/operated.hpp"
#include "integration/cluster.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

bool has(const HttpAnswer& page, const std::string& text) {
  return page.body.find(text) != std::string::npos;
}

bool part_is(const HttpAnswer& health, const std::string& part, const std::string& state) {
  return has(health, "\"part\":\"" + part + "\",\"state\":\"" + state + "\"");
}

}  // namespace

TEST_CASE("serve and worker blame a stopped database and not the broker, and tell it soon") {
  auto& broker = OperatedBroker::shared();
  Cluster database;
  Source source;
  TemporaryDirectory data, worker_data;
  const auto arguments = [&](const std::string& command) {
    return Arguments{command, "--queue",  broker.url(),        "--queue-prefix",
                     "blame", "--store",  database.conninfo(), "--shards",
                     "2",     "--source", source.url()};
  };
  Daemon serve(data.path(), arguments("serve"));
  Daemon worker(worker_data.path(), arguments("worker"));
  REQUIRE(serve.ready());
  REQUIRE(worker.ready());
  const auto well = [](const Daemon& daemon) { return daemon.page("/healthz").status == 200; };
  REQUIRE_MESSAGE(eventually([&] { return well(serve) && well(worker); }, 20s),
                  serve.page("/healthz").body << worker.page("/healthz").body);
  const auto health = serve.page("/healthz");
  CHECK_MESSAGE(part_is(health, "broker", "well"), health.body);
  CHECK(part_is(health, "store", "well"));
  CHECK_FALSE(has(health, "\"source\""));
  CHECK_FALSE(has(health, "\"part\":\"queue\""));
  CHECK(part_is(worker.page("/healthz"), "source", "idle"));
  CHECK_FALSE(has(worker.page("/healthz"), "\"part\":\"ingress\""));

  database.stop_at_once();
  for (const Daemon* daemon : {&serve, &worker}) {
    CHECK(eventually([&] { return part_is(daemon->page("/healthz"), "store", "down"); }, 5s));
  }
  // What the publisher says of itself follows from the same.
  REQUIRE(eventually([&] { return serve.said("this publisher is not registered"); }));
  for (const Daemon* daemon : {&serve, &worker}) {
    const auto down = daemon->page("/healthz");
    CHECK(has(down, "\"broker\":\"up\""));
    CHECK_MESSAGE(part_is(down, "broker", "well"), down.body);
    CHECK(has(down, "refused"));
  }
  CHECK_FALSE(has(serve.page("/healthz"), "\"source\""));
  CHECK(is_ready(serve));
  CHECK(serve.post("1").status == 202);

  database.start();
  CHECK(eventually([&] { return well(serve) && well(worker); }, 20s));
  CHECK(serve.said("PostgreSQL: connected to 127.0.0.1"));
  CHECK_FALSE(serve.said("health: store"));  // the store has said so itself
}
