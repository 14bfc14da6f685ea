#include "http/server/http_server.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "support/http_client.hpp"

using namespace std::chrono_literals;
using postoffice::EventLoop;
using postoffice::HttpRequest;
using postoffice::HttpResponse;
using postoffice::HttpServer;
using postoffice::HttpServerOptions;
using test::HttpClient;

namespace {

HttpServerOptions on_free_port() {
  HttpServerOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

// A server on a loop of its own.
struct Site {
  explicit Site(HttpServer::Handler handler, HttpServerOptions options = on_free_port())
      : server(std::make_unique<HttpServer>(loop, std::move(options), std::move(handler))) {
    loop.start();
    REQUIRE_FALSE(server->start());
  }
  EventLoop loop;
  std::unique_ptr<HttpServer> server;
};

std::string get(const std::string& target, const std::string& method = "GET") {
  return method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

// Says what it was asked.
void echo(HttpRequest request, HttpServer::Respond respond) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.headers = {{"X-Method", request.method},
                      {"X-Said", header_value(request, "x-word").value_or("nothing")}};
  response.body = request.path + "|" + request.query + "|" + request.body;
  respond(response);
}

}  // namespace

TEST_CASE("a request reaches the handler in its parts, and the response the client") {
  Site site(echo);
  HttpClient client(site.server->port());
  auto response = client.exchange(get("/objects/a%20b%2?online=true&after=%31"));
  CHECK(response.status == 200);
  CHECK(response.body == "/objects/a b%2|online=true&after=%31|");
  CHECK(response.fields.at("content-type") == "text/plain");
  CHECK(response.fields.at("x-method") == "GET");
  response = client.exchange(
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(response.body == "/x||abcde");
  client.send(get("/head", "HEAD"));
  response = client.read(true);
  CHECK(response.status == 200);
  CHECK(response.fields.at("content-length") == "7");
  CHECK(client.exchange(get("http://a/absolute?q")).body == "/absolute|q|");
}

// Twice, since the second head is known from the first; then with a body that comes later.
TEST_CASE("a handler reads header fields by name") {
  Site site(echo);
  HttpClient client(site.server->port());
  const auto said = [&](const std::string& fields, const std::string& rest = {}) {
    if (rest.empty()) client.send("GET /x: HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    if (!rest.empty()) {
      client.send("POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
      client.send(rest);
    }
    return client.read().fields.at("x-said");
  };
  for (int round = 0; round < 2; ++round) {
    CHECK(said("") == "nothing");
    CHECK(said("X-WORD: \t two words \t\r\n") == "two words");
    CHECK(said("x-word: a\r\nx-words: b\r\nX-Word: c\r\n") == "a, c");
    CHECK(said("x-word:\r\n").empty());
    CHECK(said("x-word: 1\r\nContent-Length: 9\r\n", "x-word: 2") == "1");
    CHECK(said("x-word: 1\r\nTransfer-Encoding: chunked\r\n",
               "2\r\nab\r\n0\r\nx-word: 2\r\n\r\n") == "1");
  }
}

TEST_CASE("responses may come later, from any thread, and answer pipelined requests in order") {
  std::vector<std::thread> threads;
  Site site([&](HttpRequest request, HttpServer::Respond respond) {
    threads.emplace_back([path = request.path, respond] {
      HttpResponse response;
      response.body = path;
      respond(response);
      respond(HttpResponse{500, "text/plain", "a second response is ignored", {}});
    });
  });
  HttpClient client(site.server->port());
  std::string all;
  for (int i = 0; i < 20; ++i) all += get("/" + std::to_string(i));
  client.send(all);
  for (int i = 0; i < 20; ++i) CHECK(client.read().body == "/" + std::to_string(i));
  site.server->stop();
  for (auto& thread : threads) thread.join();
}

TEST_CASE("large bodies arrive whole at slow readers; 204 and 304 have none") {
  const std::string large(8 << 20, 'x');
  Site site([&](HttpRequest request, HttpServer::Respond respond) {
    HttpResponse response;
    response.body = large;
    if (request.path == "/204") response.status = 204;
    respond(response);
  });
  HttpClient client(site.server->port());
  client.send(get("/a") + get("/204") + get("/b"));
  std::this_thread::sleep_for(50ms);  // lets the server meet a full socket
  CHECK(client.read().body == large);
  const auto none = client.read();
  CHECK(none.status == 204);
  CHECK(none.fields.count("content-length") == 0);
  CHECK(client.read().body == large);
}

TEST_CASE("bad requests never reach the handler, too large ones neither") {
  std::atomic<int> handled{0};
  HttpServerOptions options = on_free_port();
  options.body_bytes_max = 10;
  options.request_timeout = 200ms;
  Site site([&](HttpRequest, HttpServer::Respond) { ++handled; }, options);
  const auto status_of = [&](const std::string& request) {
    HttpClient client(site.server->port());
    return client.exchange(request).status;
  };
  CHECK(status_of("nonsense\r\n\r\n") == 400);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n") == 413);
  CHECK(status_of(get("/" + std::string(5000, 'x'))) == 414);
  CHECK(status_of("GET / HTTP/1.1\r\n") == 408);
  CHECK(handled == 0);
}

TEST_CASE("once stopped, no handler is called and late responses are dropped") {
  HttpServer::Respond kept;
  std::promise<void> called;
  Site site([&](HttpRequest, HttpServer::Respond respond) {
    kept = std::move(respond);
    called.set_value();
  });
  HttpClient client(site.server->port());
  client.send(get("/"));
  called.get_future().wait();
  SUBCASE("stopped") { site.server->stop(); }
  SUBCASE("destroyed") { site.server.reset(); }
  SUBCASE("destroyed behind its loop's end") {
    site.loop.stop();
    site.server.reset();
    kept({});
    return;
  }
  kept({});
  CHECK(client.ended());
}

TEST_CASE("a handler may destroy its server") {
  std::unique_ptr<HttpServer>* server = nullptr;
  Site site([&](HttpRequest, HttpServer::Respond respond) {
    respond({});
    server->reset();
  });
  server = &site.server;
  const auto port = site.server->port();
  HttpClient client(port);
  CHECK(client.exchange(get("/")).status == 200);
  CHECK(client.ended());
}

TEST_CASE("a port in use is an error") {
  Site site(echo);
  HttpServerOptions options;
  options.listen = "127.0.0.1:" + std::to_string(site.server->port());
  HttpServer second(site.loop, options, echo);
  CHECK(second.start() == std::errc::address_in_use);
  options.listen = "nowhere";
  CHECK_THROWS_AS(HttpServer(site.loop, options, echo), std::invalid_argument);
}

TEST_CASE("query values are found by name and decoded") {
  const std::string query = "online=true&limit=&a%62=x%2By+z&flag&online=false";
  CHECK(postoffice::query_value(query, "online") == "true");
  CHECK(postoffice::query_value(query, "limit") == "");
  CHECK(postoffice::query_value(query, "ab") == "x+y z");
  CHECK(postoffice::query_value(query, "flag") == "");
  CHECK_FALSE(postoffice::query_value(query, "lim"));
  CHECK_FALSE(postoffice::query_value("", ""));
}

// A program that embeds the server may start others. Between fork and exec those have all of its
// sockets, and such a socket, closed here, would go on reporting events for a connection long gone.
TEST_CASE("a closed connection has no more events, even if another process holds its socket") {
  Site site(echo);
  HttpClient client(site.server->port());
  REQUIRE(client.exchange(get("/")).status == 200);
  int hold[2];
  REQUIRE(::pipe(hold) == 0);
  const pid_t other = ::fork();
  REQUIRE(other >= 0);
  if (other == 0) {
    ::close(hold[1]);
    char end;
    ::_exit(::read(hold[0], &end, 1) == 0 ? 0 : 1);
  }
  client.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  REQUIRE(client.ended());
  client.finish_sending();  // now the server closes its socket, from which there is an end to read
  for (int i = 0; i < 20; ++i) {
    CHECK(HttpClient(site.server->port()).exchange(get("/")).status == 200);
  }
  // Such events would not even end: the loop would spin.
  const auto busy = std::clock();
  std::this_thread::sleep_for(300ms);  // what is measured
  CHECK(static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC < 0.15);
  ::close(hold[0]);
  ::close(hold[1]);
  ::waitpid(other, nullptr, 0);
}
