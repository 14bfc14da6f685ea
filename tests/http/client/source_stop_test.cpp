// A source is destroyed while it works: from another thread, and inside a completion.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "http/client/client_fixture.hpp"
#include "http/client/fetch_helpers.hpp"
#include "http/client/scripted_server.hpp"
#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

void answer_all(Peer& peer) {
  for (std::int64_t id = 0; peer.request_id(id);) peer.answer(id);
}

}  // namespace

TEST_CASE("a source may be destroyed inside a completion: the others have ended when it returns") {
  ScriptedServer server([](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id != 1) return peer.wait_for_close();
      peer.answer(id);
    }
  });
  Client client(server, {});
  Collector collector;
  for (ObjectId id = 2; id < 50; ++id) client.source->fetch(id, 30s, collector.done_for(id));
  std::promise<std::size_t> ended;
  client.source->fetch(1, 30s, [&](FetchResult) {
    client.source.reset();
    ended.set_value(collector.count());
  });
  auto count = ended.get_future();
  REQUIRE(count.wait_for(30s) == std::future_status::ready);
  CHECK(count.get() == 48);
  for (const auto& [id, results] : collector.results()) {
    CHECK(results.size() == 1);
    CHECK(results[0].error == Error::stopped);
  }
}

TEST_CASE("destroying a source waits for the completion that runs, and for no other") {
  ScriptedServer server(answer_all);
  Client client(server, {});
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<bool> left = false;
  client.source->fetch(1, 30s, [&](FetchResult) {
    entered.set_value();
    go_on.get_future().wait();
    left = true;
  });
  entered.get_future().wait();
  std::atomic<bool> destroyed = false;
  std::atomic<bool> too_early = false;
  std::thread other([&] {
    client.source.reset();
    if (!left) too_early = true;
    destroyed = true;
  });
  // There is no condition to wait for: the test can only see that the other thread has not
  // returned.
  for (int look = 0; look < 1'000; ++look) {
    std::this_thread::yield();
    if (destroyed) break;
  }
  go_on.set_value();
  other.join();
  CHECK_FALSE(too_early);
}

TEST_CASE("a completion that fetches while the source is destroyed gets Error::stopped") {
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  Client client(server, {});
  Collector collector;
  ObjectSource* const source = client.source.get();
  source->fetch(1, 30s, [&](FetchResult) { source->fetch(2, 30s, collector.done_for(2)); });
  client.source.reset();
  REQUIRE(collector.wait_for(1));
  CHECK(collector.results().at(2).at(0).error == Error::stopped);
}

TEST_CASE("sources are destroyed at any moment of their work: each fetch ends exactly once") {
  ScriptedServer server(answer_all);
  for (int trial = 0; trial < 50; ++trial) {
    Collector collector;
    {
      Client client(server, {});
      for (ObjectId id = 0; id < 20; ++id) client.source->fetch(id, 30s, collector.done_for(id));
      while (collector.count() < static_cast<std::size_t>(trial % 20)) std::this_thread::yield();
    }
    CHECK(collector.count() == 20);
    for (const auto& [id, results] : collector.results()) CHECK(results.size() == 1);
  }
}
