// What is refused, with which text, and that nothing after it is accepted.
#include <memory>

#include "http/server/office.hpp"

namespace test {

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

TEST_CASE("input that parsers disagree about is refused, and nothing after it is accepted") {
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

}  // namespace test
