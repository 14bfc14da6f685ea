// The contract of every ObjectSource, checked on the fake and on the real one.
#include <doctest/doctest.h>

#include <limits>
#include <memory>

#include "http/client/fetch_helpers.hpp"
#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"
#include "postoffice/testing/fake_source.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

// In both worlds: even ids are online, but for these.
constexpr ObjectId missing_id = 404;
constexpr ObjectId failing_id = 500;
constexpr ObjectId silent_id = 999;  // never answered

struct FakeWorld {
  static FetchResult answer(ObjectId id) {
    if (id == missing_id) return FakeSource::failed(Error::not_found);
    if (id == failing_id) return FakeSource::failed(Error::refused);
    return FakeSource::found(id, id % 2 == 0);
  }

  void fetch_silent(Collector& collector) {
    source->hold();
    source->fetch(silent_id, 30s, collector.done_for(silent_id));
  }

  std::unique_ptr<FakeSource> source = std::make_unique<FakeSource>(answer);
};

struct HttpWorld {
  static void serve(Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id == silent_id) return peer.wait_for_close();
      if (id == missing_id) {
        peer.send(Peer::with_status("404 Not Found", ""));
      } else if (id == failing_id) {
        peer.send(Peer::with_status("500 Internal Server Error", ""));
      } else {
        peer.answer(id);
      }
    }
  }

  HttpWorld() {
    HttpObjectSourceOptions options;
    options.url = server.url();
    options.connections_max = 20;
    loop.start();
    source = std::make_unique<HttpObjectSource>(loop, options);
  }

  void fetch_silent(Collector& collector) {
    source->fetch(silent_id, 30s, collector.done_for(silent_id));
  }

  ScriptedServer server{serve};
  EventLoop loop;
  std::unique_ptr<HttpObjectSource> source;
};

}  // namespace

TEST_CASE_TEMPLATE("a source answers about the id it was asked for", World, FakeWorld, HttpWorld) {
  World world;
  for (const ObjectId id :
       {ObjectId{1}, ObjectId{2}, ObjectId{0}, ObjectId{-7}, std::numeric_limits<ObjectId>::min(),
        std::numeric_limits<ObjectId>::max()}) {
    const FetchResult result = fetch_now(*world.source, id);
    REQUIRE_FALSE(result.error);
    CHECK(result.id == id);
    CHECK(result.online == (id % 2 == 0));
  }
}

TEST_CASE_TEMPLATE("a source says that an object does not exist", World, FakeWorld, HttpWorld) {
  World world;
  CHECK(fetch_now(*world.source, missing_id).error == Error::not_found);
}

TEST_CASE_TEMPLATE("a source that fails says so, and goes on", World, FakeWorld, HttpWorld) {
  World world;
  CHECK(fetch_now(*world.source, failing_id).error == Error::refused);
  CHECK_FALSE(fetch_now(*world.source, 1).error);
}

TEST_CASE_TEMPLATE("every fetch ends exactly once, also those of one id", World, FakeWorld,
                   HttpWorld) {
  Collector collector;
  World world;
  for (int round = 0; round < 3; ++round) {
    for (ObjectId id = 300; id < 600; ++id) {
      world.source->fetch(id, 30s, collector.done_for(id));
    }
    if (round == 0) REQUIRE(collector.wait_for(300));
  }
  REQUIRE(collector.wait_for(900));
  world.source.reset();
  CHECK(collector.count() == 900);
  for (const auto& [id, results] : collector.results()) CHECK(results.size() == 3);
}

TEST_CASE_TEMPLATE("a completion may ask for the next object", World, FakeWorld, HttpWorld) {
  Collector collector;
  World world;
  for (ObjectId id = 0; id < 20; ++id) {
    world.source->fetch(id, 30s, [&, id](FetchResult result) {
      world.source->fetch(id + 100, 30s, collector.done_for(id + 100));
      collector.done_for(id)(std::move(result));
    });
  }
  REQUIRE(collector.wait_for(40));
  CHECK(collector.results().size() == 40);
}

TEST_CASE_TEMPLATE("a source that is destroyed ends what is unanswered, once", World, FakeWorld,
                   HttpWorld) {
  Collector collector;
  World world;
  world.fetch_silent(collector);
  CHECK(collector.count() == 0);
  world.source.reset();
  REQUIRE(collector.count() == 1);
  CHECK(collector.results().at(silent_id).at(0).error == Error::stopped);
}

TEST_CASE("a fetch without an answer within the timeout fails with Error::timed_out") {
  HttpWorld world;
  CHECK(fetch_now(*world.source, silent_id, 50ms).error == Error::timed_out);
  CHECK_FALSE(fetch_now(*world.source, 1).error);
}

TEST_CASE("an answer about another id fails with Error::bad_answer") {
  ScriptedServer server([](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) peer.answer(id + 1);
  });
  EventLoop loop;
  loop.start();
  HttpObjectSourceOptions options;
  options.url = server.url();
  HttpObjectSource source(loop, options);
  CHECK(fetch_now(source, 1).error == Error::bad_answer);
}

TEST_CASE("the fake holds fetches and ends them in the order a test wants") {
  FakeSource source(std::map<ObjectId, bool>{{1, true}, {2, false}});
  Collector collector;
  CHECK(fetch_now(source, 3).error == Error::not_found);
  source.hold();
  for (const ObjectId id : {1, 2, 3}) source.fetch(id, 1s, collector.done_for(id));
  CHECK(source.held() == std::vector<ObjectId>{1, 2, 3});
  CHECK(source.complete(2));
  CHECK_FALSE(source.complete(2));
  CHECK(source.complete(1, FakeSource::failed(Error::timed_out)));
  source.release();
  CHECK(source.held().empty());
  CHECK(source.asked() == std::vector<ObjectId>{3, 1, 2, 3});
  CHECK(collector.results().at(1).at(0).error == Error::timed_out);
  CHECK_FALSE(collector.results().at(2).at(0).online);
  CHECK(collector.results().at(3).at(0).error == Error::not_found);
}
