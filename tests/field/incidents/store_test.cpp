// PostgreSQL is down, while callbacks come and while none come; and a data directory is copied.
#include <filesystem>
#include <thread>

#include "field/incidents/told.hpp"
#include "integration/cluster.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct Scene {
  Arguments arguments() const { return {"--store", cluster.conninfo(), "--source", source.url()}; }

  void start(std::optional<Daemon>& daemon, const TemporaryDirectory& data) const {
    daemon.emplace(data.path(), arguments());
    REQUIRE(daemon->ready());
  }
  static bool registered(const Daemon& daemon) {
    return eventually([&] { return metric(daemon, "postoffice_instance_registered") == 1; });
  }

  Cluster& cluster = shared_cluster();
  Source source;
  TemporaryDirectory first_data, second_data;
  std::optional<Daemon> first, second;
};

std::function<bool()> is(const std::optional<Daemon>& daemon, const char* series, double value) {
  return [&daemon, series, value] { return metric(*daemon, series) == value; };
}

}  // namespace

TEST_CASE_FIXTURE(Scene, "incident: the database is down, with callbacks and without") {
  start(first, first_data);
  start(second, second_data);
  REQUIRE(registered(*first));
  REQUIRE(registered(*second));
  Told busy(*first);
  Told idle(*second);
  cluster.stop_at_once();
  busy.happened();
  idle.happened();
  CHECK(first->post("1,2,3").status == 202);
  const std::string cause = "127\\.0\\.0\\.1.*(refused|terminat|closed)";
  busy.check({"store", "down", cause, "--store|runs|admits", "PostgreSQL|store",
              is(first, "postoffice_store_up", 0)});
  idle.check({"store", "down", cause, "--store|runs|admits", "PostgreSQL|store",
              is(second, "postoffice_store_up", 0)});
  CHECK(first->page("/readyz").status == 200);
  CHECK(first->post("4").status == 202);

  Told busy_again(*first);
  Told idle_again(*second);
  cluster.start();
  busy_again.happened();
  idle_again.happened();
  const std::string line = "(PostgreSQL|store).*(again|connected)";
  busy_again.check_over(line, is(first, "postoffice_store_up", 1));
  idle_again.check_over(line, is(second, "postoffice_store_up", 1));
}

TEST_CASE_FIXTURE(Scene, "incident: a copy of the data directory has taken the daemon's place") {
  start(first, first_data);
  REQUIRE(registered(*first));
  REQUIRE(first->post("1").status == 202);
  REQUIRE(eventually([&] { return first->status("stored") == 1; }));
  // The daemon deletes files meanwhile.
  const auto how =
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
  REQUIRE(eventually([&] {
    std::error_code error;
    std::filesystem::copy(first_data.path(), second_data.path(), how, error);
    return !error;
  }));
  Told fenced(*first);
  start(second, second_data);
  fenced.happened();
  fenced.check({"queue|ingress|store", "down", "has held this daemon's place",
                "stop one of the two", "taken this instance's place",
                is(first, "postoffice_instance_registered", 0)});
  for (const Part& part : parts_of(*first)) {
    INFO(part.name, ": ", part.means);
    if (part.state == "down") CHECK(speaks_of(part.next, "stop one of the two"));
  }
  CHECK(first->page("/readyz").status == 503);
  CHECK(first->post("5").status == 503);

  Told over(*first);
  second->process().signal(SIGTERM);
  CHECK(second->process().exit_code() == 0);
  over.happened();
  over.check_over("its place was free again", is(first, "postoffice_instance_registered", 1));
  CHECK(first->post("5").status == 202);
}
