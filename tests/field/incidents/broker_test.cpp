// The broker raises its memory alarm.
#include "field/broker/operated.hpp"
#include "field/incidents/told.hpp"
#include "integration/cluster.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

TEST_CASE("incident: the broker has no memory left") {
  auto& broker = OperatedBroker::shared();
  auto& cluster = shared_cluster();
  TemporaryDirectory data;
  Daemon serve(data.path(), {"serve", "--queue", broker.url(), "--queue-prefix", "alarm",
                             "--shards", "2", "--store", cluster.conninfo()});
  REQUIRE(serve.ready());
  REQUIRE(eventually([&] { return is_ready(serve); }));
  REQUIRE(serve.post("1").status == 202);
  const auto blocked = [&](double value) {
    return [&serve, value] { return metric(serve, "postoffice_broker_blocked") == value; };
  };

  Told alarm(serve);
  broker.ctl({"set_vm_memory_high_watermark", "0.000001"});
  alarm.happened();
  CHECK(eventually([&] { return serve.post("2").status == 503; }));
  alarm.check({"broker", "down", "memory or disk", "memory|disk|alarm", "broker.*memory or disk",
               blocked(1)});
  CHECK_FALSE(is_ready(serve));

  Told over(serve);
  broker.ctl({"set_vm_memory_high_watermark", "0.4"});
  over.happened();
  over.check_over("broker.*again", blocked(0));
  CHECK(eventually([&] { return serve.post("3").status == 202; }));
}
