// HttpObjectSource with servers that fail in many ways.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "http/client/client_fixture.hpp"
#include "http/client/fetch_helpers.hpp"
#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"
#include "support/eventually.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

/// What a fetch of id 1 gives when the server answers it with these bytes and then waits.
FetchResult result_of(const std::string& response, std::chrono::milliseconds timeout = 5s) {
  ScriptedServer server([&](Peer& peer) {
    peer.request();
    peer.send(response);
    peer.wait_for_close();
  });
  Client client(server);
  return fetch_now(*client.source, 1, timeout);
}

const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("a source that hangs costs its fetch the timeout, and the connection is closed") {
  std::atomic<bool> closed{false};
  ScriptedServer server([&](Peer& peer) {
    if (peer.number > 0) return void(peer.request()), void(peer.answer(2));
    peer.request();
    peer.wait_for_close();
    closed = true;
  });
  Client client(server);
  const auto begin = std::chrono::steady_clock::now();
  const auto result = fetch_now(*client.source, 1, 100ms);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(result.error == Error::timed_out);
  CHECK(result.reason == "no answer within 100 ms");
  CHECK(took >= 100ms);
  CHECK(took < 5s);
  CHECK(eventually([&] { return closed.load(); }));
  CHECK_FALSE(fetch_now(*client.source, 2).error);
}

TEST_CASE("a trickle of bytes does not extend the timeout") {
  ScriptedServer server([](Peer& peer) {
    peer.request();
    const std::string answer = Peer::ok(Peer::body_for(1));
    for (const char byte : answer) {
      if (!peer.send(std::string(1, byte))) return;
      std::this_thread::sleep_for(50ms);  // the trickle
    }
  });
  Client client(server);
  CHECK(fetch_now(*client.source, 1, 300ms).error == Error::timed_out);
}

TEST_CASE("a trickle that ends in time is an answer") {
  ScriptedServer server([](Peer& peer) {
    peer.request();
    for (const char byte : Peer::ok(Peer::body_for(1))) peer.send(std::string(1, byte));
    peer.wait_for_close();
  });
  Client client(server);
  CHECK_FALSE(fetch_now(*client.source, 1, 20s).error);
}

TEST_CASE("a reset in the middle of the body makes the source unavailable") {
  ScriptedServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"id\":1,");
    peer.reset_on_close();
  });
  Client client(server);
  const auto result = fetch_now(*client.source, 1);
  CHECK(result.error == Error::unavailable);
  CHECK_FALSE(result.reason.empty());
}

TEST_CASE("a close in the middle of the body, and before any byte, makes the source unavailable") {
  for (const std::string& part :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"id\":1,"), std::string()}) {
    ScriptedServer server([&](Peer& peer) {
      peer.request();
      peer.send(part);
    });
    Client client(server);
    CHECK(fetch_now(*client.source, 1).error == Error::unavailable);
    // There is no second try on a new connection, since the source has seen the request.
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("a wrong Content-Length is noticed") {
  const std::string body = Peer::body_for(1);
  const auto with_length = [&](std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + body;
  };
  CHECK(result_of(with_length(body.size() + 1), 200ms).error == Error::timed_out);
  CHECK(result_of(with_length(body.size() - 1)).error == Error::bad_answer);
}

TEST_CASE("malformed answers are bad answers with a reason") {
  for (const std::string& response :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n"), chunked_head + "zz\r\n", chunked_head + "2\r\nhiXX",
        "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"),
        chunked_head + "11170\r\n" + std::string(70'000, ' '),
        Peer::ok(R"({"id":1,"online":true,"id":1})"), Peer::ok(R"({"id":NaN,"online":true})"),
        Peer::ok(R"({"id":"1","online":true})"), Peer::ok(R"({"id":1,"online":"yes"})"),
        Peer::ok("invalid id"), Peer::ok("")}) {
    CAPTURE(response.substr(0, 100));
    const auto result = result_of(response);
    CHECK(result.error == Error::bad_answer);
    CHECK_FALSE(result.reason.empty());
    CHECK(result.reason.size() < 200);
  }
}

TEST_CASE("an answer about another id is never taken for the right one") {
  const auto result = result_of(Peer::ok(Peer::body_for(7)));
  CHECK(result.error == Error::bad_answer);
  CHECK(result.reason == "the answer is about id 7");
}

TEST_CASE("a chunked answer is an answer") {
  const auto result =
      result_of(chunked_head + "5\r\n{\"id\"\r\n11\r\n:1,\"online\":true}\r\n0\r\n\r\n");
  CHECK_FALSE(result.error);
  CHECK(result.online);
}

TEST_CASE("404 and 410 mean that there is no such object, and the connection is kept") {
  ScriptedServer server([](Peer& peer) {
    while (!peer.request().empty()) {
      peer.send(Peer::with_status("404 Not Found", "no such object"));
      peer.request();
      peer.send("HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngone\r\n0\r\n\r\n");
    }
  });
  Client client(server);
  for (int i = 0; i < 6; ++i) CHECK(fetch_now(*client.source, 1).error == Error::not_found);
  CHECK(server.connections() == 1);
}

TEST_CASE("other statuses are refusals that name the status, and redirects are not followed") {
  for (const char* status :
       {"201 Created", "301 Moved Permanently", "304 Not Modified", "400 Bad Request",
        "401 Unauthorized", "500 Internal Server Error", "502 Bad Gateway"}) {
    CAPTURE(status);
    const auto result =
        result_of(Peer::with_status(status, "", "Location: http://127.0.0.1:1/objects/1\r\n"));
    CHECK(result.error == Error::refused);
    CHECK(result.reason == "HTTP " + std::string(status).substr(0, 3));
    CHECK(result.retry_after == 0ms);
  }
}

TEST_CASE("429 and 503 carry the pause that the source asks for") {
  const auto many =
      result_of(Peer::with_status("429 Too Many Requests", "x", "Retry-After: 7\r\n"));
  CHECK(many.error == Error::overloaded);
  CHECK(many.retry_after == 7s);
  const auto down =
      result_of(Peer::with_status("503 Service Unavailable", "", "retry-after: 2\r\n"));
  CHECK(down.error == Error::overloaded);
  CHECK(down.retry_after == 2s);
  CHECK(down.reason == "HTTP 503");
}

TEST_CASE("a source that closes after each response costs connections, not answers") {
  ScriptedServer server([](Peer& peer) {
    std::int64_t id = 0;
    if (peer.request_id(id)) peer.answer(id);
  });
  Client client(server);
  for (ObjectId id = 0; id < 100; ++id) REQUIRE_FALSE(fetch_now(*client.source, id).error);
}

TEST_CASE("a source that resets idle connections costs no answer") {
  // The RST may arrive before, with or after the next request: each must be survived.
  ScriptedServer server([](Peer& peer) {
    peer.reset_on_close();
    std::int64_t id = 0;
    if (peer.request_id(id)) peer.answer(id);
    std::this_thread::sleep_for(std::chrono::microseconds(100 * (peer.number % 5)));
  });
  Client client(server);
  for (ObjectId id = 0; id < 200; ++id) {
    const auto result = fetch_now(*client.source, id);
    CAPTURE(result.reason);
    REQUIRE_FALSE(result.error);
  }
}

TEST_CASE(
    "a reused connection that dies before any byte of the answer is tried once more, not twice") {
  std::atomic<int> requests{0};
  ScriptedServer server([&](Peer& peer) {
    std::int64_t id = 0;
    if (peer.number == 0 && peer.request_id(id)) peer.answer(id);
    if (!peer.request().empty()) ++requests;
  });
  Client client(server);
  CHECK_FALSE(fetch_now(*client.source, 1).error);
  CHECK(fetch_now(*client.source, 2).error == Error::unavailable);
  CHECK(requests == 2);
  CHECK(server.connections() == 2);
}

TEST_CASE("unrequested bytes end an idle connection and answer no fetch") {
  std::atomic<bool> closed{false};
  ScriptedServer server([&](Peer& peer) {
    std::int64_t id = 0;
    peer.request_id(id);
    peer.answer(id);
    if (peer.number > 0) return peer.wait_for_close();
    std::this_thread::sleep_for(20ms);  // once it is idle
    peer.send(Peer::ok(Peer::body_for(2)));
    peer.wait_for_close();
    closed = true;
  });
  Client client(server);
  CHECK_FALSE(fetch_now(*client.source, 1).error);
  CHECK(eventually([&] { return closed.load(); }));
  CHECK_FALSE(fetch_now(*client.source, 2).error);
  CHECK(server.connections() == 2);
}

TEST_CASE("a second response in one piece with the first is not taken for the next answer") {
  ScriptedServer server([](Peer& peer) {
    std::int64_t id = 0;
    peer.request_id(id);
    peer.send(Peer::ok(Peer::body_for(id)) + Peer::ok(R"({"id":2,"online":false})"));
    peer.wait_for_close();
  });
  Client client(server);
  CHECK_FALSE(fetch_now(*client.source, 1).error);
  const auto second = fetch_now(*client.source, 2);
  CHECK_FALSE(second.error);
  CHECK(second.online);
  CHECK(server.connections() == 2);
}

TEST_CASE("a source that refuses connections is unavailable, and used again when it comes back") {
  std::uint16_t port = 0;
  const auto answer_all = [](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) peer.answer(id);
  };
  std::optional<ScriptedServer> server;
  server.emplace(answer_all);
  port = server->port();
  Client client(server->url(), {});
  CHECK_FALSE(fetch_now(*client.source, 1).error);
  server.reset();
  Collector collector;
  for (ObjectId id = 0; id < 500; ++id) client.source->fetch(id, 30s, collector.done_for(id));
  REQUIRE(collector.wait_for(500));
  for (const auto& [id, results] : collector.results()) {
    REQUIRE(results.size() == 1);
    CHECK(results[0].error == Error::unavailable);
  }
  CHECK(collector.results().at(9).at(0).reason ==
        "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  server.emplace(answer_all, port);
  CHECK_FALSE(fetch_now(*client.source, 2).error);
  CHECK(client.log.count("Connection refused") == 1);
  CHECK(client.log.count("reachable again") == 1);
  CHECK(client.log.count("") == 2);  // state changes are told, not requests
}

TEST_CASE("fetches that wait for a connection time out too, and in their own time") {
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  HttpObjectSourceOptions options;
  options.connections_max = 1;
  Client client(server, options);
  Collector collector;
  client.source->fetch(1, 30s, collector.done_for(1));
  const auto second = fetch_now(*client.source, 2, 100ms);
  CHECK(second.error == Error::timed_out);
  CHECK(second.reason == "no connection within 100 ms");
  CHECK(collector.count() == 0);
  client.source.reset();
  CHECK(collector.results().at(1).at(0).error == Error::stopped);
}

TEST_CASE("one id that hangs does not delay another on the same pool") {
  ScriptedServer server([](Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id == 13) return peer.wait_for_close();
      peer.answer(id);
    }
  });
  HttpObjectSourceOptions options;
  options.connections_max = 2;
  Client client(server, options);
  Collector poisoned;
  client.source->fetch(13, 30s, poisoned.done_for(13));
  for (ObjectId id = 100; id < 200; ++id) REQUIRE_FALSE(fetch_now(*client.source, id).error);
  CHECK(poisoned.count() == 0);
  client.source.reset();
}

TEST_CASE("a random mix of faults gives every fetch exactly one result, and never a wrong one") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  ScriptedServer server([&](Peer& peer) {
    std::mt19937 random(seed + static_cast<unsigned>(peer.number));
    for (std::int64_t id = 0; peer.request_id(id);) {
      const std::string good = Peer::ok(Peer::body_for(id));
      switch (random() % 16) {
        case 0: return;
        case 1: peer.reset_on_close(); return;
        case 2: peer.send(good.substr(0, random() % good.size())); return;
        case 3: peer.send(good + good); break;
        case 4: peer.send(Peer::ok(Peer::body_for(id + 1))); break;
        case 5: peer.send(Peer::with_status("500 Oops", "x")); break;
        case 6: peer.send(chunked_head + "garbage"); return;
        case 7:
          // Rare, as each keeps a connection until its fetch times out.
          if (random() % 8 == 0) return peer.wait_for_close();
          peer.send(good);
          break;
        case 8: peer.send(good); return;
        default: peer.send(good);
      }
    }
  });
  HttpObjectSourceOptions options;
  options.connections_max = 20;
  Client client(server, options);
  Collector collector;
  for (ObjectId id = 0; id < 1000; ++id) client.source->fetch(id, 3s, collector.done_for(id));
  REQUIRE(collector.wait_for(1000));
  client.source.reset();
  std::size_t answered = 0;
  for (const auto& [id, results] : collector.results()) {
    REQUIRE(results.size() == 1);
    if (results[0].error) continue;
    ++answered;
    CHECK(results[0].id == id);
    CHECK(results[0].online == (id % 2 == 0));
  }
  CHECK(answered > 100);
}
