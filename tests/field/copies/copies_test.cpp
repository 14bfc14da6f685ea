// Copies that people make: of a data directory, of a database.
#include <doctest/doctest.h>

#include <filesystem>
#include <optional>

#include "integration/cluster.hpp"
#include "integration/postofficed.hpp"
#include "support/has.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct Scene {
  Arguments arguments() const { return {"--store", cluster.conninfo(), "--source", source.url()}; }

  bool stored(int id) const {
    return eventually([&] { return rows(cluster).contains(id); });
  }

  std::string name_of(Daemon& daemon) const {
    return cluster.sql("SELECT max(name) FROM postoffice_instances WHERE name LIKE '%#" +
                       std::to_string(daemon.process().id()) + "'");
  }

  bool is(const Daemon& daemon, const std::string& state) const {
    return eventually(
        [&] { return has(daemon.page("/healthz").body, "\"instance\":\"" + state + "\""); });
  }

  Cluster& cluster = shared_cluster();
  Source source;
};

// A daemon, and a copy of its data made while it ran, which has taken its place.
struct Copied : Scene {
  Copied() {
    original.emplace(data.path(), arguments());
    REQUIRE(original->ready());
    REQUIRE(is(*original, "registered"));
    CHECK(original->post("1").status == 202);
    REQUIRE(stored(1));
    copy_data();
    source.hang(true);
    CHECK(original->post("2").status == 202);  // the copy knows nothing of it
    copy.emplace(copied_data.path(), arguments());
    REQUIRE(copy->ready());
    REQUIRE(is(*original, "fenced"));
    name = name_of(*copy);
    REQUIRE_FALSE(name.empty());
  }

  // The daemon deletes files meanwhile.
  void copy_data() const {
    const auto how = std::filesystem::copy_options::recursive |
                     std::filesystem::copy_options::overwrite_existing;
    REQUIRE(eventually([&] {
      std::error_code error;
      std::filesystem::copy(data.path(), copied_data.path(), how, error);
      return !error;
    }));
  }

  bool refuses() const {
    const auto answer = original->post("3");
    return answer.status == 503 && has(answer.head, "Retry-After: ");
  }

  void check_back() {
    CHECK(eventually([&] { return original->page("/readyz").status == 200; }));
    CHECK(is(*original, "registered"));
    source.hang(false);
    CHECK(stored(2));
    CHECK(original->post("4").status == 202);
    CHECK(stored(4));
    CHECK(eventually([&] { return original->page("/healthz").status == 200; }));
    CHECK(times(original->process().err(), "has taken this instance's place") == 1);
    CHECK(times(original->process().err(), "its place was free again") == 1);
  }

  TemporaryDirectory data;
  TemporaryDirectory copied_data;
  std::optional<Daemon> original;
  std::optional<Daemon> copy;
  std::string name;
};

}  // namespace

TEST_CASE_FIXTURE(Copied, "who is fenced by a copy refuses, says why, and goes on when it stops") {
  CHECK(eventually([&] { return has(original->page("/readyz").body, name); }));
  CHECK(original->page("/readyz").status == 503);
  CHECK(has(original->page("/healthz").body, "instances retire " + name));
  CHECK(refuses());
  CHECK(copy->post("5").status == 202);
  source.hang(false);
  CHECK(stored(5));
  source.hang(true);
  CHECK(refuses());
  copy->process().signal(SIGTERM);
  CHECK(copy->process().exit_code() == 0);
  check_back();
}

TEST_CASE_FIXTURE(Copied, "who is fenced by a copy that died waits for `instances retire`") {
  copy->process().signal(SIGKILL);
  CHECK(copy->process().exit_code() == 128 + SIGKILL);
  // The copy may hold accepted callbacks, so the original does not take the place back by itself.
  CHECK_FALSE(eventually([&] { return original->page("/readyz").status == 200; }, 3s));
  CHECK(refuses());
  CHECK(run_postofficed({"instances", "retire", name, "--store", cluster.conninfo()}).code == 0);
  check_back();
}

TEST_CASE_FIXTURE(Scene, "a copied database waits for the daemon of the original, and says so") {
  TemporaryDirectory data, other_data;
  std::string name;
  {
    Daemon production(data.path(), arguments());
    REQUIRE(production.ready());
    REQUIRE(is(production, "registered"));
    name = name_of(production);
  }
  const std::string staging = cluster.conninfo() + " dbname=staging";
  REQUIRE(eventually([&] {
    try {
      run_sql(cluster.conninfo() + " dbname=template1",
              "CREATE DATABASE staging TEMPLATE postgres");
      return true;
    } catch (const std::runtime_error&) {
      return false;  // sessions of the production end
    }
  }));
  run_sql(staging,
          "UPDATE postoffice_instances SET beat = beat - interval '1 h',"
          " watermark = watermark - interval '1 h'");
  Daemon daemon(other_data.path(), {"--store", staging, "--source", source.url(), "--ttl", "1s"});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1").status == 202);
  const auto left = [&] { return run_sql(staging, "SELECT count(*) FROM objects"); };
  REQUIRE(eventually([&] { return left() == "1"; }));
  const std::string words = "deletes wait for instance " + name;
  CHECK(eventually([&] { return has(daemon.page("/healthz").body, words); }));
  CHECK(daemon.page("/healthz").status == 503);
  CHECK(daemon.page("/readyz").status == 200);
  CHECK(has(daemon.page("/metrics").body, "\npostoffice_silent_instances 1\n"));
  const std::string command =
      "`postofficed instances retire " + name + " --store '" + staging + "'`";
  CHECK(has(daemon.page("/healthz").body, command));
  CHECK(eventually([&] { return has(daemon.process().err(), command); }));
  std::this_thread::sleep_for(3s);  // well beyond ttl
  CHECK(left() == "1");
  CHECK(times(daemon.process().err(), words) == 1);

  CHECK(run_postofficed({"instances", "retire", name, "--store", staging}).code == 0);
  CHECK(eventually([&] { return left() == "0"; }));
  CHECK(eventually([&] { return daemon.page("/healthz").status == 200; }));
  CHECK(has(daemon.page("/metrics").body, "\npostoffice_silent_instances 0\n"));
  CHECK(eventually([&] { return daemon.said("deletes no longer wait for"); }));
}
