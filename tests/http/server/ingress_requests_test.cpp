// What is taken as a request, how it may come, and what stays open after it.
#include <thread>

#include "http/server/office.hpp"

namespace test {

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
  CHECK(office.ingress.status().malformed == 0);
  CHECK(office.ingress.status().other == 8);
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

TEST_CASE("standard input is accepted: trailers, chunk extensions, empty lines, tabs") {
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

TEST_CASE("empty lines after a body begin no request, and only a few are accepted") {
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

TEST_CASE("answers that leave the connection open say how long it stays open") {
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

}  // namespace test
