// A copied data directory of a publisher, and a broker's password that is changed.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "field/broker/operated.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

void copied_directory_is_noticed(const std::string& name, const std::string& scheme) {
  auto& broker = OperatedBroker::shared();
  Place place(name);
  const auto serve = place.arguments(scheme + broker.url(), {"serve"});
  TemporaryDirectory data, copied, worker_data;
  Daemon worker(worker_data.path(), place.arguments(broker.url(), {"worker"}));
  Daemon original(data.path(), serve);
  REQUIRE(original.ready());
  REQUIRE(eventually([&] { return is_ready(original) && original.said("registered publisher"); }));
  std::filesystem::copy_file(data / "publisher", copied / "publisher");
  std::optional<Daemon> copy;
  copy.emplace(copied.path(), serve);
  REQUIRE(copy->ready());
  REQUIRE(eventually([&] { return original.post("1").status == 503; }));

  const std::string words = "its data directory is a copy of this one";
  CHECK(has(original.post("1").body, words));
  CHECK(has(original.page("/readyz").body, words));
  CHECK(has(original.page("/healthz").body, words));
  CHECK(eventually([&] { return original.said(words); }));
  REQUIRE(eventually([&] { return copy->post("2").status == 202; }));
  CHECK(place.has_rows(1));

  copy->process().signal(SIGTERM);
  CHECK(copy->process().exit_code() == 0);
  CHECK(eventually([&] { return original.post("3").status == 202; }, 30s));
  CHECK(eventually([&] { return is_ready(original); }));
  CHECK(place.has_rows(2));
  // Its words stay as the last error; the refusals are shown for ten seconds.
  CHECK(eventually([&] { return original.page("/healthz").status == 200; }));
}

}  // namespace

TEST_CASE("a copied data directory: the first process stops accepting until the copy ends (S6)") {
  SUBCASE("to the broker") { copied_directory_is_noticed("copied", ""); }
  SUBCASE("to the disk first") { copied_directory_is_noticed("copied_disk", "file+"); }
}

TEST_CASE("SIGHUP rereads a changed password of the broker from its file, and nothing is lost") {
  auto& broker = OperatedBroker::shared();
  broker.add_user("rotated", ".*", ".*", ".*");
  Place place("rotated");
  TemporaryDirectory data, worker_data;
  const std::string file = data / "queue.url";
  const auto with_file = [&](const std::string& command) {
    auto arguments = place.arguments("", {command});
    arguments[0] = "--queue-file";
    arguments[1] = file;
    return arguments;
  };
  std::ofstream(file) << broker.url("rotated") << '\n';
  Daemon serve(data.path(), with_file("serve"));
  Daemon worker(worker_data.path(), with_file("worker"));
  REQUIRE(serve.ready());
  REQUIRE(worker.ready());
  REQUIRE(eventually([&] { return is_ready(serve); }));
  CHECK(serve.post("1").status == 202);
  CHECK(place.has_rows(1));

  broker.ctl({"change_password", "rotated", "another"});
  broker.ctl({"close_all_connections", "the password was changed"});
  for (auto* daemon : {&serve, &worker}) {
    CHECK(eventually([&] { return has(daemon->page("/readyz").body, "ACCESS_REFUSED"); }));
    CHECK(eventually([&] { return daemon->said("ACCESS_REFUSED"); }));
  }
  CHECK(has(serve.post("2").body, "ACCESS_REFUSED"));

  std::ofstream(file) << "amqp://rotated:another@" << broker.place() << '\n';
  for (auto* daemon : {&serve, &worker}) daemon->process().signal(SIGHUP);
  for (auto* daemon : {&serve, &worker}) {
    CHECK(eventually([&] { return is_ready(*daemon); }));
    CHECK_FALSE(has(daemon->process().err(), "another@"));
  }
  CHECK(eventually([&] { return serve.post("3").status == 202; }));
  CHECK(place.has_rows(2));
}
