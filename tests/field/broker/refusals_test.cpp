// Users of the broker with few rights.
#include <doctest/doctest.h>

#include "field/broker/operated.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Somebody with all rights makes the queues.
void declare(const Place& place) {
  TemporaryDirectory data;
  Daemon first(data.path(), place.arguments(OperatedBroker::shared().url()));
  REQUIRE(first.ready());
  REQUIRE(eventually([&] { return is_ready(first); }));
  first.process().signal(SIGTERM);
  CHECK(first.process().exit_code() == 0);
}

}  // namespace

TEST_CASE("for existing queues the rights to write amq.default and read the shards are enough") {
  auto& broker = OperatedBroker::shared();
  Place place("narrow");
  declare(place);
  broker.add_user("narrow", "^$", "^amq\\.default$", "^narrow\\.[0-9]+$");
  TemporaryDirectory data;
  Daemon run(data.path(), place.arguments(broker.url("narrow")));
  REQUIRE(run.ready());
  REQUIRE_MESSAGE(eventually([&] { return is_ready(run); }), run.process().err());
  CHECK(run.post("1,2,3").status == 202);
  CHECK(place.has_rows(3));
  CHECK_MESSAGE(run.page("/healthz").status == 200, run.page("/healthz").body);
}

TEST_CASE("a right that is missing is named in the 503, in health and, once, in the log") {
  auto& broker = OperatedBroker::shared();
  Place place("mute");
  broker.add_user("mute", "^mute\\.", "^mute\\.", "^mute\\.");
  TemporaryDirectory data;
  Daemon serve(data.path(), place.arguments(broker.url("mute"), {"serve"}));
  REQUIRE(serve.ready());
  const std::string words = "access to exchange 'amq.default'";
  REQUIRE(eventually([&] { return serve.said(words); }));
  const auto answer = serve.post("1");
  CHECK(answer.status == 503);
  CHECK_MESSAGE(answer.body.find("403 ACCESS_REFUSED") != std::string::npos, answer.body);
  CHECK(answer.body.find("needs the right to write to amq.default") != std::string::npos);
  CHECK(serve.page("/readyz").body.find(words) != std::string::npos);
  CHECK(serve.page("/healthz").body.find(words) != std::string::npos);
  std::this_thread::sleep_for(3s);  // refused again and again, said once
  CHECK(times(serve.process().err(), words) == 1);
}

TEST_CASE("without a right to declare what is missing, the broker's words say so") {
  auto& broker = OperatedBroker::shared();
  Place place("absent");
  broker.add_user("absent", "^$", "^amq\\.default$", "^absent\\.");
  TemporaryDirectory data;
  Daemon serve(data.path(), place.arguments(broker.url("absent"), {"serve"}));
  REQUIRE(serve.ready());
  CHECK(eventually(
      [&] { return serve.said("absent.dead does not exist, and the user has no right"); }));
  CHECK(serve.post("1").status == 503);
}
