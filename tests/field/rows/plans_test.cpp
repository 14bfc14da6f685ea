// The table was emptied and vacuumed, so its statistics say that it has no rows; then a burst.
#include <doctest/doctest.h>

#include <string>

#include "integration/whole_job.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Over a unix socket, where nothing but the server's own limits ends a slow statement.
std::string socket_of(Cluster& cluster) {
  const auto directory = cluster.directory();
  cluster.sql("ALTER SYSTEM SET unix_socket_directories = '" + directory + "'");
  cluster.stop_at_once();
  cluster.start();
  return "host=" + directory + " port=" + cluster.port() + " user=postoffice dbname=postgres";
}

std::string ids_from(int first, int count) {
  std::string ids;
  for (int id = first; id < first + count; ++id)
    ids += (ids.empty() ? "" : ",") + std::to_string(id);
  return ids;
}

}  // namespace

TEST_CASE_FIXTURE(WholeJob, "60,000 new ids into an emptied table are rows within 10 s (S4)") {
  store = socket_of(cluster);
  source.emplace(Arguments{"--no-sender", "--listen", "localhost:0", "--latency-min", "0.01s",
                           "--latency-spread", "0.01s"});
  source_url = "http://localhost:" + std::to_string(source->source_port()) + "/objects/{id}";
  start_daemon("60s");
  REQUIRE(daemon->post("1,2,3").status == 202);
  REQUIRE(eventually([&] { return cluster.sql("SELECT count(*) FROM objects") == "3"; }));
  cluster.sql("DELETE FROM objects");
  cluster.sql("VACUUM objects");
  REQUIRE(cluster.sql("SELECT reltuples FROM pg_class WHERE relname = 'objects'") == "0");
  for (int call = 0; call < 30; ++call) {
    REQUIRE(daemon->post(ids_from(1'000 + call * 2'000, 2'000)).status == 202);
  }
  CHECK(eventually([&] { return cluster.sql("SELECT count(*) FROM objects") == "60000"; }, 10s));
  CHECK(daemon->status("store_failures") == 0);
  check_identity();
}
