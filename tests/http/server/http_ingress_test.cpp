#include "postoffice/defaults/http_ingress.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/server/held_accept.hpp"
#include "postoffice/error.hpp"
#include "support/http_client.hpp"
#include "support/skip.hpp"

using namespace std::chrono_literals;
using postoffice::HttpIngress;
using postoffice::HttpIngressOptions;
using postoffice::ObjectId;
using postoffice::Queue;
using postoffice::Receipt;
using postoffice::testing::skip_part;
using test::callback;
using test::HeldAccept;
using test::HttpClient;
using test::Response;

namespace {

const std::string good_body = R"({"object_ids":[1,2,3]})";

HttpIngressOptions on_free_port() {
  HttpIngressOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

// An ingress whose callbacks are accepted at once; it remembers their ids.
struct Office {
  explicit Office(HttpIngressOptions options = on_free_port()) : ingress(std::move(options)) {
    REQUIRE_FALSE(ingress.start([this](std::span<const ObjectId> ids, Queue::AppendDone done) {
      {
        const std::lock_guard lock(mutex);
        accepted.emplace_back(ids.begin(), ids.end());
      }
      done({}, Receipt{7, ++sequence, {}});
    }));
  }
  ~Office() {
    std::promise<void> stopped;
    ingress.stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  std::mutex mutex;
  std::vector<std::vector<ObjectId>> accepted;
  std::atomic<std::uint64_t> sequence{0};
  HttpIngress ingress;
};

struct HeldOffice {
  explicit HeldOffice(HttpIngressOptions options = on_free_port()) {
    ingress.emplace(std::move(options));
    REQUIRE_FALSE(ingress->start(accept.function()));
  }
  HeldAccept accept;
  std::optional<HttpIngress> ingress;
};

void check_problem(const Response& response, int status, const std::string& detail = {}) {
  CHECK(response.status == status);
  CHECK(response.fields.at("content-type") == "application/problem+json");
  CHECK(response.body.find("\"status\":" + std::to_string(status)) != std::string::npos);
  CHECK(response.body.find(R"("type":"about:blank")") != std::string::npos);
  CHECK(response.body.find(detail) != std::string::npos);
}

// Sends `request` on a connection of its own, and expects it to be refused and the connection
// closed.
void check_refused(std::uint16_t port, const std::string& request, int status,
                   const std::string& detail = {}) {
  INFO(request.substr(0, 200));
  HttpClient client(port);
  client.send(request);
  const Response response = client.read();
  check_problem(response, status, detail);
  CHECK(response.fields.at("connection") == "close");
  CHECK(client.ended());
}

std::string chunked(const std::vector<std::string>& chunks) {
  std::string text = "POST /callback HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    text += size + chunk + "\r\n";
  }
  return text + "0\r\n\r\n";
}

std::string ids_body(int count) {
  std::string body = R"({"object_ids":[0)";
  for (int id = 1; id < count; ++id) body += "," + std::to_string(id);
  return body + "]}";
}

template <typename Condition>
bool eventually(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + 10s; !condition();) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace

TEST_CASE("a callback is answered 202 with its receipt, and the connection stays open") {
  Office office;
  HttpClient client(office.ingress.port());
  for (std::uint64_t n = 1; n <= 3; ++n) {
    const Response response = client.exchange(callback(good_body));
    CHECK(response.status == 202);
    CHECK(response.fields.at("postoffice-receipt") == to_string(Receipt{7, n, {}}));
    CHECK(response.fields.at("content-length") == "0");
    CHECK(response.fields.at("date").ends_with(" GMT"));
    CHECK(response.fields.count("connection") == 0);
  }
  CHECK(office.accepted.size() == 3);
  CHECK(office.accepted[2] == std::vector<ObjectId>{1, 2, 3});
  CHECK(office.ingress.status().accepted == 3);
  CHECK(office.ingress.status().connections == 1);
}

TEST_CASE("every address of localhost is listened on, with several threads too") {
  HttpIngressOptions options;
  options.listen = "localhost:0";
  options.threads = 3;
  Office office(options);
  for (int i = 0; i < 20; ++i) {
    CHECK(HttpClient(office.ingress.port()).exchange(callback(good_body)).status == 202);
  }
  std::optional<HttpClient> six;
  try {
    six.emplace(office.ingress.port(), "::1");
  } catch (const std::runtime_error&) {
    skip_part("this machine has no IPv6");
  }
  if (six) CHECK(six->exchange(callback(good_body)).status == 202);
}

TEST_CASE("a port in use is an error, whatever the number of threads") {
  for (const std::size_t first_threads : {1, 2}) {
    for (const std::size_t second_threads : {1, 2}) {
      HttpIngressOptions options = on_free_port();
      options.threads = first_threads;
      Office office(options);
      options.listen = "127.0.0.1:" + std::to_string(office.ingress.port());
      options.threads = second_threads;
      HttpIngress second(options);
      CHECK(second.start([](auto, auto) {}) == std::errc::address_in_use);
    }
  }
}

TEST_CASE("bad options are refused") {
  for (const char* listen :
       {"", "localhost", "localhost:", ":x", "localhost:70000", "[::1:1", "::1:1"}) {
    HttpIngressOptions options;
    options.listen = listen;
    INFO(listen);
    CHECK_THROWS_AS(HttpIngress{options}, std::invalid_argument);
  }
  HttpIngressOptions options;
  options.listen = "no-such-host.invalid:1";
  CHECK(HttpIngress(options).start([](auto, auto) {}));
}

TEST_CASE("given listening sockets are used") {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::listen(socket, 10) == 0);
  HttpIngressOptions options;
  options.sockets = {socket};
  options.threads = 2;
  Office office(options);
  CHECK(HttpClient(office.ingress.port()).exchange(callback(good_body)).status == 202);
}

TEST_CASE("another path is 404, another method 405; queries and content types do not matter") {
  Office office;
  HttpClient client(office.ingress.port());
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  check_problem(client.exchange("POST /callbacks" + host + "Content-Length: 2\r\n\r\n{}"), 404);
  check_problem(client.exchange("GET /" + host + "\r\n"), 404);
  for (const std::string method : {"GET", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const Response response = client.exchange(method + " /callback" + host + "\r\n");
    check_problem(response, 405);
    CHECK(response.fields.at("allow") == "POST");
  }
  client.send("HEAD /callback" + host + "\r\n");
  CHECK(client.read(true).status == 405);
  for (const std::string target : {"/callback?x=/nope", "http://a/callback"}) {
    CHECK(client
              .exchange("POST " + target + host + "Content-Type: text/plain\r\n" +
                        "Content-Length: 17\r\n\r\n{\"object_ids\":[]}")
              .status == 202);
  }
  CHECK(office.ingress.status().malformed == 8);
}

TEST_CASE("probes of load balancers are answered on the callback listener if that is wanted") {
  std::string reason;
  HttpIngressOptions options = on_free_port();
  options.not_ready = [&] { return reason; };
  Office office(options);
  const auto probe = [&](const std::string& head) {
    HttpClient client(office.ingress.port());
    client.send(head + "\r\n");
    return client.read(head.starts_with("HEAD"));
  };
  for (const std::string method : {"GET", "HEAD", "OPTIONS"}) {
    for (const std::string rest :
         {" HTTP/1.0\r\n", " HTTP/1.0\r\nHost: a\r\n", " HTTP/1.1\r\nHost: a\r\n"}) {
      reason.clear();
      CHECK(probe(method + " /readyz" + rest).status == 200);
      reason = "the disk does not answer";
      CHECK(probe(method + " /readyz" + rest).status == 503);
    }
  }
  CHECK(probe("GET /readyz HTTP/1.1\r\nHost: a\r\n").body.find(reason) != std::string::npos);
  CHECK(probe("PUT /readyz HTTP/1.1\r\nHost: a\r\n").fields.at("allow") == "GET, HEAD, OPTIONS");
  CHECK(office.ingress.status().refused == 0);
  CHECK(office.ingress.status().accepted == 0);
}

TEST_CASE("a malformed body is 400 with the reason, and the connection stays open") {
  Office office;
  HttpClient client(office.ingress.port());
  check_problem(client.exchange(callback("nonsense")), 400, "the body is not JSON");
  check_problem(client.exchange(callback("")), 400, "the body is empty");
  check_problem(client.exchange(callback(R"({"object_ids":7})")), 400, "is not an array");
  check_problem(client.exchange("POST /callback HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "empty");
  CHECK(client.exchange(callback(good_body)).status == 202);
}

TEST_CASE("limits hold exactly") {
  HttpIngressOptions options = on_free_port();
  Office office(options);
  const auto port = office.ingress.port();
  SUBCASE("ids") {
    HttpClient client(port);
    CHECK(client.exchange(callback(ids_body(10'000))).status == 202);
    check_problem(client.exchange(callback(ids_body(10'001))), 413, "10000");
  }
  SUBCASE("a body with a length") {
    HttpClient client(port);
    std::string body = good_body;
    body.resize(1 << 20, ' ');
    CHECK(client.exchange(callback(body)).status == 202);
    check_refused(port, callback(body + " "), 413);
    // Refused on the length alone.
    check_refused(port, "POST /callback HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
                  413);
  }
  SUBCASE("a chunked body, while it streams") {
    HttpClient client(port);
    std::string body = good_body;
    body.resize(1 << 20, ' ');
    CHECK(client.exchange(chunked({body.substr(0, 99), body.substr(99)})).status == 202);
    check_refused(port, chunked({body, " "}).substr(0, (1 << 20) + 90), 413);
    std::string small = "POST /callback HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 200'000; ++i) small += "1\r\n \r\n";
    check_refused(port, small, 413);
    const std::string extension =
        "POST /callback HTTP/1.1\r\nHost: a\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1;";
    check_refused(port, extension + std::string(20'000, 'x'), 413);
  }
  SUBCASE("the request line") {
    const std::string begin = "POST /callback?";
    const std::string end = " HTTP/1.1";
    const std::string fill(4096 - begin.size() - end.size(), 'x');
    const std::string rest = "\r\nHost: a\r\nContent-Length: 17\r\n\r\n{\"object_ids\":[]}";
    CHECK(HttpClient(port).exchange(begin + fill + end + rest).status == 202);
    check_refused(port, begin + fill + "x" + end + rest, 414);
  }
  SUBCASE("header bytes and fields") {
    const auto padded = [](std::size_t size) {
      const std::size_t head_size = callback(good_body, "X: \r\n").size() - good_body.size();
      return callback(good_body, "X: " + std::string(size - head_size, 'x') + "\r\n");
    };
    CHECK(HttpClient(port).exchange(padded(16 * 1024)).status == 202);
    check_refused(port, padded(16 * 1024 + 1), 431);
    std::string fields;
    for (int i = 0; i < 62; ++i) fields += "a: b\r\n";
    CHECK(HttpClient(port).exchange(callback(good_body, fields)).status == 202);
    check_refused(port, callback(good_body, fields + "a: b\r\n"), 431);
  }
}

TEST_CASE("a client that is refused early can finish sending and then read why") {
  Office office;
  HttpClient client(office.ingress.port());
  CHECK(client.send(callback(std::string(3 << 20, ' '))));
  check_problem(client.read(), 413);
  CHECK(client.ended());
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("requests arrive in any pieces: byte by byte, chunked, fifty at once") {
  Office office;
  HttpClient client(office.ingress.port());
  SUBCASE("byte by byte") {
    for (const char byte : callback(good_body) + chunked({"{\"object", "_ids\":", "[5]}"})) {
      REQUIRE(client.send(std::string(1, byte)));
    }
    CHECK(client.read().status == 202);
    CHECK(client.read().status == 202);
    CHECK(office.accepted[1] == std::vector<ObjectId>{5});
  }
  SUBCASE("fifty at once") {
    std::string all;
    for (int i = 0; i < 50; ++i) {
      all += i % 2 ? chunked({ids_body(i + 1)}) : callback(ids_body(i + 1));
    }
    client.send(all);
    for (std::uint64_t n = 1; n <= 50; ++n) {
      const Response response = client.read();
      REQUIRE(response.status == 202);
      REQUIRE(response.fields.at("postoffice-receipt") == to_string(Receipt{7, n, {}}));
      REQUIRE(office.accepted[n - 1].size() == n);
    }
  }
  SUBCASE("many more at once than are taken at a time") {
    std::string all;
    for (int i = 0; i < 5'000; ++i) all += callback(good_body);
    std::thread sender([&] { client.send(all); });
    for (int i = 0; i < 5'000; ++i) REQUIRE(client.read().status == 202);
    sender.join();
  }
  SUBCASE("with an empty line too much between them") {
    client.send(callback(good_body) + "\r\n" + callback(good_body));
    CHECK(client.read().status == 202);
    CHECK(client.read().status == 202);
  }
}

TEST_CASE("an offer to upgrade is ignored, the callback is taken") {
  Office office;
  HttpClient client(office.ingress.port());
  const std::string body = good_body;
  client.send(
      "POST /callback HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(client.read().status == 202);
  client.send(callback(body));
  CHECK(client.read().status == 202);
}

TEST_CASE("what parsers disagree about is refused, and nothing behind it is taken") {
  Office office;
  const auto port = office.ingress.port();
  const std::string line = "POST /callback HTTP/1.1\r\n";
  const std::string host = "Host: a\r\n";
  const std::string hidden = callback(good_body);
  const std::string te = "Transfer-Encoding: chunked\r\n";
  for (const std::string& request : {
           line + host + "X-Abc:\rxTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           line + host + "\r\rX",
           line + host + te + "\r\n5\r\nhelloXX0\r\n\r\n",
           line + host + "X: 1\r\n Content-Length: 5\r\n\r\nhello",
           line + "\r\n",
           line + host + host + "\r\n",
           "POST /callback HTTP/1.0\r\n" + te + "\r\n0\r\n\r\n",
           "CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n",
           line + host + te + "Content-Length: 3\r\n\r\n0\r\n\r\n",
           line + host + "Transfer-Encoding: gzip\r\n\r\n",
           line + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
           line + host + "Content-Length: 99999999999999999999\r\n\r\n",
           line + host + "Content-Length: +3\r\n\r\nabc",
           line + host + te + "\r\n0x3\r\nabc\r\n0\r\n\r\n",
           line + host + te + "\r\n-1\r\nabc\r\n0\r\n\r\n",
           line + host + te + "\r\n3\nabc\r\n0\r\n\r\n",
           line + host + te + "\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
           line + host + te + "\r\n0\r\nContent-Length: 5\r\n\r\n",
           line + host + te + "\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
           line + host + te + "\r\n0\r\n folded\r\n\r\n",
           line + host + te + "\r\n0\r\nbare: x\n\r\n",
           line + host + te + "\r\n1;a=\"x\r\na\r\n0\r\n\r\n",
           line + host + te + "\r\n1;a=b\nX\r\na\r\n0\r\n\r\n",
           line + host + te + "\r\n1;a\rb\r\na\r\n0\r\n\r\n",
           line + host + te + "\r\n1 a\r\na\r\n0\r\n\r\n",
           line + host + te + "\r\n1 \r\na\r\n0\r\n\r\n",
           line + host + te + "\r\n\r\n1\r\na\r\n0\r\n\r\n",
           line + host + "Transfer-Encoding: chunked\t,\tchunked\r\n\r\n0\r\n\r\n",
           line + host + "Content-Length: 3\t4\r\n\r\nabc",
           line + "Host: a/b\r\n\r\n",
           line + "Host: a, b\r\n\r\n",
           line + "Host: me@a\r\n\r\n",
           line + "Host: a:b\r\n\r\n",
           line + "Host: [::1\r\n\r\n",
           "\r\n\rX" + line + host + "\r\n",
           line + "Host : a\r\n\r\n",
           line + host + "X\x01: a\r\n\r\n",
           line + "Host: a\n\n",
           std::string("GET /callback\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\r\n", 9),
       }) {
    check_refused(port, request + hidden, 400);
  }
  check_refused(port, "BREW /callback HTTP/1.1\r\n" + host + "\r\n" + hidden, 501);
  CHECK(office.accepted.empty());
}

TEST_CASE("what is standard is taken: trailers, chunk extensions, empty lines, tabs") {
  Office office;
  HttpClient client(office.ingress.port());
  const std::string head = "POST /callback HTTP/1.1\r\nHost: a\r\n";
  const std::string te = head + "Transfer-Encoding:\tchunked\t\r\n\r\n";
  const std::string sized = "Content-Length: 17\t\r\n\r\n{\"object_ids\":[]}";
  for (const std::string& request : {
           te + "11\r\n{\"object_ids\":[]}\r\n0\r\nX-Checksum: 1\r\nGrpc-Status: \t0\t\r\n\r\n",
           te + "011;a=b;c=d;e\r\n{\"object_ids\":[]}\r\n000;z\r\n\r\n",
           te + "11;a=\"\\\"; ;\" ; b\r\n{\"object_ids\":[]}\r\n0\r\n\r\n",
           te + "8\t;a\r\n{\"object\r\n9\r\n_ids\":[]}\r\n0\r\n\r\n",
           "\r\n\r\n\r\n\r\n" + head + sized,
           head + "X-Tabs:\t\ta\tb\t\r\n" + sized,
           "POST /callback HTTP/1.1\r\nHost:\t[::1]:80\t\r\n" + sized,
           "POST /callback HTTP/1.1\r\nHost:\r\n" + sized,
           "POST /callback HTTP/1.1\r\nHost: a_b.c-d:\r\nContent-Encoding: identity\r\n" + sized,
       }) {
    INFO(request);
    CHECK(client.exchange(request).status == 202);
    // The same in pieces of one byte.
    for (const char c : request) REQUIRE(client.send({&c, 1}));
    CHECK(client.read().status == 202);
  }
  HttpClient closing(office.ingress.port());
  CHECK(closing.exchange(head + "Connection: close\t\r\n" + sized).fields.at("connection") ==
        "close");
  CHECK(closing.ended());
}

TEST_CASE("a refusal says what was wrong with the way the body came") {
  Office office;
  const auto port = office.ingress.port();
  const std::string head = "POST /callback HTTP/1.1\r\nHost: a\r\n";
  HttpClient encoded(port);
  const auto refused =
      encoded.exchange(head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b");
  check_problem(refused, 415, "encoded as gzip");
  CHECK(encoded.exchange(callback(good_body)).status == 202);
  check_refused(port, "POST /callback HTTP/1.0\r\n\r\n" + good_body, 400);
  for (const auto& part : {head + "Content-Length: 17\r\n\r\n{\"obj", head + "Content-Len",
                           head + "Transfer-Encoding: chunked\r\n\r\n11\r\n{"}) {
    HttpClient half(port);
    half.send(part);
    half.finish_sending();
    check_problem(half.read(), 400, "ended inside a request");
    CHECK(half.ended());
  }
}

TEST_CASE("empty lines behind a body begin no request, and not too many are taken") {
  Office office;
  HttpClient client(office.ingress.port());
  CHECK(client.exchange(callback(good_body) + "\r\n").status == 202);
  client.send("\r");
  client.send("\n");
  std::this_thread::sleep_for(5500ms);  // longer than a head may take
  CHECK(client.exchange(callback(good_body)).status == 202);
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "\r\n";
  CHECK(client.exchange(lines).status == 400);
}

TEST_CASE("answers that leave the connection open say for how long") {
  Office office;
  HttpClient client(office.ingress.port());
  CHECK(client.exchange(callback(good_body)).fields.at("keep-alive") == "timeout=75");
  CHECK(client.exchange(callback("nonsense")).fields.at("keep-alive") == "timeout=75");
  CHECK(client.exchange(callback(good_body, "Connection: close\r\n")).fields.count("keep-alive") ==
        0);
}

TEST_CASE("HTTP/1.0 and Connection decide whether the connection stays") {
  Office office;
  const std::string rest = "Content-Length: 17\r\n\r\n{\"object_ids\":[]}";
  HttpClient one_zero(office.ingress.port());
  CHECK(one_zero.exchange("POST /callback HTTP/1.0\r\n" + rest).fields.at("connection") == "close");
  CHECK(one_zero.ended());
  HttpClient kept(office.ingress.port());
  for (int i = 0; i < 2; ++i) {
    const auto response =
        kept.exchange("POST /callback HTTP/1.0\r\nConnection: keep-alive\r\n" + rest);
    CHECK(response.status == 202);
    CHECK(response.fields.at("connection") == "keep-alive");
  }
  HttpClient closing(office.ingress.port());
  CHECK(closing.exchange(callback(good_body, "Connection: close\r\n")).status == 202);
  CHECK(closing.ended());
  // Often enough that the end has come with the request, at least once, and once after it.
  for (int i = 0; i < 200; ++i) {
    HttpClient half_closed(office.ingress.port());
    half_closed.send(callback(good_body));
    half_closed.finish_sending();
    REQUIRE(half_closed.read().status == 202);
    REQUIRE(half_closed.ended());
  }
}

TEST_CASE("100 Continue is said when the body is wanted, and only then") {
  Office office;
  const auto port = office.ingress.port();
  const std::string full = callback(good_body, "Expect: 100-continue\r\n");
  const std::string head = full.substr(0, full.size() - good_body.size());
  HttpClient client(port);
  CHECK(client.exchange(head).status == 100);
  CHECK(client.exchange(good_body).status == 202);
  client.send(full);  // It did not wait, so nothing is said.
  CHECK(client.read().status == 202);
  std::string elsewhere = head;
  elsewhere.replace(elsewhere.find("/callback"), 9, "/elsewhere");
  check_refused(port, elsewhere, 404);
  check_refused(port,
                "POST /callback HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                "Content-Length: 1048577\r\n\r\n",
                413);
  check_refused(port, callback(good_body, "Expect: wonders\r\n"), 417);
}

TEST_CASE("slow clients get 408, idle ones are closed") {
  HttpIngressOptions options = on_free_port();
  options.header_timeout = 200ms;
  options.body_timeout = 200ms;
  options.idle_timeout = 200ms;
  Office office(options);
  const auto port = office.ingress.port();
  check_refused(port, "POST /callback HT", 408, "header");
  check_refused(port, callback(good_body).substr(0, callback(good_body).size() - 1), 408, "body");
  check_refused(port, chunked({good_body}).substr(0, 80), 408, "body");
  CHECK(HttpClient(port).ended());
  HttpClient used(port);
  CHECK(used.exchange(callback(good_body)).status == 202);
  CHECK(used.ended());
}

TEST_CASE("completions in any order, answers in the order of the requests") {
  HeldOffice office;
  HttpClient client(office.ingress->port());
  client.send(callback(R"({"object_ids":[0]})") + callback("wrong") +
              callback(R"({"object_ids":[1]})") + callback(R"({"object_ids":[2]})"));
  auto held = office.accept.take(3);
  held[2].done({}, Receipt{1, 12, {}});
  held[1].done({}, Receipt{1, 11, {}});
  CHECK_FALSE(client.readable(50ms));
  held[0].done({}, Receipt{1, 10, {}});
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 10, {}}));
  CHECK(client.read().status == 400);
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 11, {}}));
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 12, {}}));
}

TEST_CASE(
    "what the queue cannot store, or not in time, is 503; a late completion changes nothing") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 100ms;
  HeldOffice office(options);
  HttpClient client(office.ingress->port());
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::storage_full, {});
  Response response = client.read();
  check_problem(response, 503, "no space left");
  CHECK(response.fields.at("retry-after") == "1");

  client.send(callback(good_body));
  auto late = office.accept.take(1);
  response = client.read();
  check_problem(response, 503, "in time");
  CHECK(response.fields.at("retry-after") == "1");
  late[0].done({}, Receipt{1, 1, {}});
  client.send(callback(good_body));
  office.accept.take(1)[0].done({}, Receipt{1, 2, {}});
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 2, {}}));
  CHECK(office.ingress->status().refused == 2);
  CHECK(office.ingress->status().accepted == 1);
}

TEST_CASE("a callback that was not stored is told why in the queue's own words, if it has any") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 100ms;
  std::string words = "the broker says 403";
  options.why_not = [&] { return words; };
  HeldOffice office(options);
  HttpClient client(office.ingress->port());
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::unavailable, {});
  check_problem(client.read(), 503, "the broker says 403");
  client.send(callback(good_body));
  auto late = office.accept.take(1);
  check_problem(client.read(), 503, "in time: the broker says 403");
  late[0].done({}, Receipt{1, 1, {}});
  words.clear();
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::storage_full, {});
  check_problem(client.read(), 503, "no space left");
}

TEST_CASE("completions may come after the client, and after the ingress") {
  HeldOffice office;
  std::optional<HttpClient> client(std::in_place, office.ingress->port());
  client->send(callback(good_body) + callback(good_body));
  auto held = office.accept.take(2);
  client.reset();
  CHECK(eventually([&] { return office.ingress->status().connections == 0; }));
  held[0].done({}, {});
  office.ingress.reset();
  held[1].done({}, {});
}

namespace {

// Stopping has begun once nobody listens any more.
bool refuses(std::uint16_t port) {
  try {
    HttpClient client(port);
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

TEST_CASE("stopping answers what was read, closes what is idle, and says so once") {
  HeldOffice office;
  const auto port = office.ingress->port();
  HttpClient idle(port);
  HttpClient busy(port);
  CHECK(idle.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
  busy.send(callback(good_body));
  auto held = office.accept.take(1);
  std::atomic<int> stopped{0};
  office.ingress->stop([&] { ++stopped; });
  CHECK(eventually([&] { return refuses(port); }));
  CHECK(stopped == 0);
  held[0].done({}, Receipt{1, 1, {}});
  const Response response = busy.read();
  CHECK(response.status == 202);
  CHECK(response.fields.at("connection") == "close");
  CHECK(busy.ended());
  busy.finish_sending();
  CHECK(idle.ended());
  CHECK(eventually([&] { return stopped == 1; }));
}

// S10: it cannot know that we are about to go; it has a second to send what it was about to send.
TEST_CASE("stopping: who was accepted, or used a connection just now, is still answered") {
  HttpIngress ingress(on_free_port());
  REQUIRE_FALSE(ingress.start([](auto, auto done) { done({}, Receipt{1, 1, {}}); }));
  const auto port = ingress.port();
  HttpClient fresh(port);
  HttpClient kept(port);
  CHECK(kept.exchange(callback(good_body)).fields.count("connection") == 0);
  CHECK(eventually([&] { return ingress.status().connections == 2; }));
  std::promise<void> stopped;
  ingress.stop([&] { stopped.set_value(); });
  CHECK(eventually([&] { return refuses(port); }));
  for (HttpClient* client : {&fresh, &kept}) {
    const Response response = client->exchange(callback(good_body));
    CHECK(response.status == 202);
    CHECK(response.fields.at("connection") == "close");
    CHECK(client->ended());
    client->finish_sending();
  }
  CHECK(stopped.get_future().wait_for(5s) == std::future_status::ready);
}

// Pages show the status from their own thread, and may be asked at any time.
TEST_CASE("whether it listens can be asked before, while and after it does") {
  for (int round = 0; round < 20; ++round) {
    HttpIngress ingress(on_free_port());
    CHECK_FALSE(ingress.status().listening);
    std::promise<void> seen;
    std::thread asking([&] {
      while (!ingress.status().listening) std::this_thread::yield();
      seen.set_value();
    });
    REQUIRE_FALSE(ingress.start([](auto, auto done) { done({}, {}); }));
    seen.get_future().wait();
    asking.join();
    std::promise<void> stopped;
    ingress.stop([&] { stopped.set_value(); });
    CHECK_FALSE(ingress.status().listening);
    stopped.get_future().wait();
  }
}

TEST_CASE(
    "stopping works with nothing open, before the start, and from within its own completion") {
  std::atomic<int> stopped{0};
  HttpIngress never(on_free_port());
  never.stop([&] { ++stopped; });
  CHECK(stopped == 1);
  auto ingress = std::make_unique<HttpIngress>(on_free_port());
  REQUIRE_FALSE(ingress->start([](auto, auto done) { done({}, {}); }));
  ingress->stop([&] {
    ingress.reset();
    ++stopped;
  });
  CHECK(eventually([&] { return stopped == 2; }));
}

TEST_CASE("stopping under load: every callback answered 202 was accepted, and none comes after") {
  HttpIngressOptions options = on_free_port();
  options.threads = 2;
  HttpIngress ingress(options);
  std::atomic<long> accepted{0};
  std::atomic<bool> done_said{false};
  std::atomic<long> after{0};
  std::mutex mutex;
  std::vector<Queue::AppendDone> waiting;
  std::atomic<bool> finish{false};
  REQUIRE_FALSE(ingress.start([&](auto, Queue::AppendDone done) {
    if (done_said) ++after;
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
  }));
  std::thread flusher([&] {
    while (true) {
      std::vector<Queue::AppendDone> batch;
      {
        const std::lock_guard lock(mutex);
        batch.swap(waiting);
      }
      if (batch.empty() && finish) return;
      for (auto& done : batch) {
        ++accepted;
        done({}, Receipt{1, 1, {}});
      }
      std::this_thread::sleep_for(1ms);
    }
  });
  std::atomic<long> answered{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 8; ++i) {
    senders.emplace_back([&] {
      HttpClient client(ingress.port());
      while (client.send(callback(good_body)) && client.read().status == 202) ++answered;
    });
  }
  CHECK(eventually([&] { return answered > 500; }));
  std::promise<void> stopped;
  ingress.stop([&] {
    done_said = true;
    stopped.set_value();
  });
  CHECK(stopped.get_future().wait_for(10s) == std::future_status::ready);
  for (auto& sender : senders) sender.join();
  finish = true;
  flusher.join();
  CHECK(after == 0);
  CHECK(answered <= accepted);
  CHECK(static_cast<long>(ingress.status().accepted) >= answered);
}

TEST_CASE("more connections than allowed wait until one ends") {
  HttpIngressOptions options = on_free_port();
  options.connections_max = 2;
  Office office(options);
  std::optional<HttpClient> first(std::in_place, office.ingress.port());
  HttpClient second(office.ingress.port());
  CHECK(first->exchange(callback(good_body)).status == 202);
  CHECK(second.exchange(callback(good_body)).status == 202);
  HttpClient third(office.ingress.port());
  third.send(callback(good_body));
  CHECK_FALSE(third.readable(150ms));
  first.reset();
  CHECK(third.read().status == 202);
}

TEST_CASE("incomplete requests together are bounded; those that have their place are finished") {
  HttpIngressOptions options = on_free_port();
  options.body_timeout = 60s;  // The bytes are many, and the machine may be slow.
  Office office(options);
  std::string body = good_body;
  body.resize(1 << 20, ' ');
  const std::string request = callback(body);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 70; ++i) {
    clients.push_back(std::make_unique<HttpClient>(office.ingress.port()));
    clients.back()->send(std::string_view(request).substr(0, request.size() - 1));
  }
  CHECK(eventually([&] { return office.ingress.status().refused >= 6; }));
  int accepted = 0;
  int refused = 0;
  for (const auto& client : clients) {
    client->send(" ");
    const int status = client->read().status;
    accepted += status == 202 ? 1 : 0;
    refused += status == 503 ? 1 : 0;
  }
  CHECK(accepted >= 60);
  CHECK(refused >= 6);
  CHECK(accepted + refused == 70);
}

TEST_CASE("running out of file descriptors delays connections, no more") {
  Office office;
  HttpClient probe(office.ingress.port());
  CHECK(probe.exchange(callback(good_body)).status == 202);
  std::vector<std::unique_ptr<HttpClient>> clients;
  clients.push_back(std::make_unique<HttpClient>(office.ingress.port()));
  CHECK(eventually([&] { return office.ingress.status().connections == 2; }));
  // The client's next descriptor is the last one of the process, the server gets none.
  const int next = ::dup(0);
  ::close(next);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next) + 1;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  HttpClient waiting(office.ingress.port());
  waiting.send(callback(good_body));
  CHECK_FALSE(waiting.readable(150ms));
  CHECK(probe.exchange(callback(good_body)).status == 202);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(waiting.read().status == 202);
}
