// HttpObjectSource with well-behaved servers.
#include "postoffice/defaults/http_object_source.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/client/fetch_helpers.hpp"
#include "http/client/scripted_server.hpp"
#include "postoffice/error.hpp"
#include "support/eventually.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

void answer_all(Peer& peer) {
  for (std::int64_t id = 0; peer.request_id(id);) {
    if (!peer.answer(id)) return;
  }
}

HttpObjectSourceOptions options_for(const ScriptedServer& server) {
  HttpObjectSourceOptions options;
  options.url = server.url();
  return options;
}

}  // namespace

TEST_CASE("the request is one that any HTTP/1.1 server understands") {
  std::string seen;
  ScriptedServer server([&](Peer& peer) {
    seen = peer.request();
    peer.answer(-5);
  });
  EventLoop loop;
  loop.start();
  HttpObjectSource source(loop, options_for(server));
  CHECK_FALSE(fetch_now(source, -5).error);
  CHECK(seen == "GET /objects/-5 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                    "\r\nUser-Agent: postoffice/0.1.0\r\nAccept: application/json\r\n"
                    "Connection: keep-alive\r\n\r\n");
}

TEST_CASE("one connection serves one fetch after the other") {
  ScriptedServer server(answer_all);
  EventLoop loop;
  loop.start();
  HttpObjectSource source(loop, options_for(server));
  for (ObjectId id = 0; id < 50; ++id) {
    const auto result = fetch_now(source, id);
    REQUIRE_FALSE(result.error);
    CHECK(result.id == id);
    CHECK(result.online == (id % 2 == 0));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("two thousand fetches share a hundred connections, each answered once") {
  ScriptedServer server([](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      std::this_thread::sleep_for(1ms);  // an answer takes its time
      if (!peer.answer(id)) return;
    }
  });
  EventLoop loop;
  loop.start();
  Collector collector;
  auto options = options_for(server);
  options.connections_max = 100;
  options.connecting_max = 20;
  HttpObjectSource source(loop, options);
  for (ObjectId id = 0; id < 2000; ++id) source.fetch(id, 60s, collector.done_for(id));
  REQUIRE(collector.wait_for(2000));
  CHECK(server.connections() == 100);
  CHECK(source.status().connections == 100);
  for (const auto& [id, results] : collector.results()) {
    REQUIRE(results.size() == 1);
    CHECK_FALSE(results[0].error);
    CHECK(results[0].id == id);
    CHECK(results[0].online == (id % 2 == 0));
  }
}

TEST_CASE("a name is looked up and each of its addresses tried") {
  // The server listens on 127.0.0.1 alone; localhost is ::1 too on most machines.
  ScriptedServer server(answer_all);
  EventLoop loop;
  loop.start();
  HttpObjectSourceOptions options;
  options.url = "http://localhost:" + std::to_string(server.port()) + "/objects/{id}";
  HttpObjectSource source(loop, options);
  CHECK_FALSE(fetch_now(source, 1).error);
  CHECK_FALSE(fetch_now(source, 2).error);
}

TEST_CASE("a name that does not exist makes the source unavailable, with the reason") {
  EventLoop loop;
  loop.start();
  HttpObjectSourceOptions options;
  options.url = "http://no-such-host.invalid/{id}";
  HttpObjectSource source(loop, options);
  const auto result = fetch_now(source, 1, 20s);
  CHECK((result.error == Error::unavailable || result.error == Error::timed_out));
  CHECK_FALSE(result.reason.empty());
}

TEST_CASE("fetches may come from several threads, and from a completion") {
  ScriptedServer server(answer_all);
  EventLoop loop;
  loop.start();
  Collector collector;
  auto options = options_for(server);
  options.connections_max = 8;
  HttpObjectSource source(loop, options);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; ++i) {
        const ObjectId id = thread * 1000 + i;
        source.fetch(id, 30s, [&, id](FetchResult result) {
          collector.done_for(id)(std::move(result));
          source.fetch(id + 500, 30s, collector.done_for(id + 500));
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(collector.wait_for(800));
  CHECK(collector.results().size() == 800);
  for (const auto& [id, results] : collector.results()) CHECK_FALSE(results.at(0).error);
}

TEST_CASE("an idle connection is closed after its time") {
  std::atomic<bool> closed{false};
  ScriptedServer server([&](Peer& peer) {
    answer_all(peer);
    closed = true;
  });
  EventLoop loop;
  loop.start();
  auto options = options_for(server);
  options.idle_timeout = 50ms;
  HttpObjectSource source(loop, options);
  CHECK_FALSE(fetch_now(source, 1).error);
  CHECK(eventually([&] { return closed.load(); }));
  CHECK_FALSE(fetch_now(source, 2).error);
  CHECK(server.connections() == 2);
}

TEST_CASE(
    "destroyed while the loop runs, the source ends every fetch once and calls nothing later") {
  for (int round = 0; round < 20; ++round) {
    ScriptedServer server(answer_all);
    EventLoop loop;
    loop.start();
    Collector collector;
    {
      HttpObjectSource source(loop, options_for(server));
      for (ObjectId id = 0; id < 100; ++id) source.fetch(id, 30s, collector.done_for(id));
      if (round % 2 == 0) collector.wait_for(static_cast<std::size_t>(round));
    }
    CHECK(collector.count() == 100);
    for (const auto& [id, results] : collector.results()) {
      REQUIRE(results.size() == 1);
      CHECK((!results[0].error || results[0].error == Error::stopped));
    }
  }
}

TEST_CASE("a completion may destroy the source") {
  ScriptedServer server(answer_all);
  EventLoop loop;
  loop.start();
  Collector collector;
  auto source = std::make_shared<std::unique_ptr<HttpObjectSource>>();
  *source = std::make_unique<HttpObjectSource>(loop, options_for(server));
  loop.post([&, source] {
    for (ObjectId id = 1; id <= 10; ++id) (*source)->fetch(id, 30s, collector.done_for(id));
    (*source)->fetch(0, 30s, [&, source](FetchResult result) {
      source->reset();
      collector.done_for(0)(std::move(result));
    });
  });
  REQUIRE(collector.wait_for(11));
  for (const auto& [id, results] : collector.results()) CHECK(results.size() == 1);
}

TEST_CASE("a source on a loop that was stopped still ends its fetches") {
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  EventLoop loop;
  loop.start();
  Collector collector;
  {
    HttpObjectSource source(loop, options_for(server));
    source.fetch(1, 30s, collector.done_for(1));
    loop.stop();
    source.fetch(2, 30s, collector.done_for(2));
  }
  CHECK(collector.count() == 2);
  CHECK(collector.results().at(2).at(0).error == Error::stopped);
}

TEST_CASE("options that cannot work are refused") {
  EventLoop loop;
  const auto made_with = [&](auto change) {
    HttpObjectSourceOptions options;
    change(options);
    HttpObjectSource source(loop, options);
  };
  CHECK_THROWS_AS(made_with([](auto& o) { o.url = "https://a/{id}"; }), std::invalid_argument);
  CHECK_THROWS_AS(made_with([](auto& o) { o.connections_max = 0; }), std::invalid_argument);
  CHECK_THROWS_AS(made_with([](auto& o) { o.connecting_max = 0; }), std::invalid_argument);
  CHECK_THROWS_AS(made_with([](auto& o) { o.connect_timeout = 0ms; }), std::invalid_argument);
}
