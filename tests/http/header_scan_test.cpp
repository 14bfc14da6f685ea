#include "http/header_scan.hpp"

#include <doctest/doctest.h>

#include <string>

using postoffice::http::HeaderLimits;
using postoffice::http::HeaderScan;
using Verdict = HeaderScan::Verdict;

namespace {

Verdict request(const std::string& bytes) {
  return HeaderScan(HeaderScan::Kind::request).scan(bytes);
}

Verdict response(const std::string& bytes) {
  return HeaderScan(HeaderScan::Kind::response).scan(bytes);
}

const std::string line = "POST /callback HTTP/1.1\r\n";
const std::string host = "Host: a\r\n";

}  // namespace

TEST_CASE("an ordinary request passes, whole or byte by byte, and its end is found") {
  const std::string head = line + host + "Content-Length: 3\r\nX: \t\xc3\xa4\r\n\r\n";
  HeaderScan scan(HeaderScan::Kind::request);
  for (std::size_t size = 0; size < head.size(); ++size) {
    REQUIRE(scan.scan(head.substr(0, size)) == Verdict::incomplete);
  }
  CHECK(scan.scan(head + "abc") == Verdict::complete);
  CHECK(scan.size() == head.size());
  CHECK(scan.has_content_length());
  CHECK_FALSE(scan.chunked());
  CHECK_FALSE(scan.version_is_1_0());
  scan.reset();
  CHECK(scan.scan(line + host + "\r\n") == Verdict::complete);
  CHECK_FALSE(scan.has_content_length());
}

TEST_CASE("lines that do not end with exactly CR LF are refused, at once") {
  CHECK(request("POST / HTTP/1.1\n") == Verdict::malformed);
  CHECK(request(line + "Host: a\n") == Verdict::malformed);
  CHECK(request(line + "X-Abc:\rxTransfer-Encoding: chunked") == Verdict::malformed);
  CHECK(request(line + host + "X: a\rb\r\n") == Verdict::malformed);
  CHECK(request(line + host + "\r\rX") == Verdict::malformed);
  CHECK(request(line + host + "\n\n") == Verdict::malformed);
}

TEST_CASE("folded lines and control bytes are refused") {
  CHECK(request(line + host + "X: 1\r\n Content-Length: 5\r\n\r\n") == Verdict::malformed);
  CHECK(request(line + host + "X: 1\r\n\tb\r\n\r\n") == Verdict::malformed);
  CHECK(request(line + " Host: a\r\n\r\n") == Verdict::malformed);
  for (const char byte : {'\x00', '\x01', '\x0b', '\x1f', '\x7f'}) {
    CHECK(request(line + host + "X: a" + std::string(1, byte) + "b\r\n\r\n") == Verdict::malformed);
    CHECK(request("POST /a" + std::string(1, byte) + " HTTP/1.1\r\n" + host + "\r\n") ==
          Verdict::malformed);
  }
  CHECK(request("POST /a\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n") == Verdict::malformed);
  CHECK(request("POST /a b HTTP/1.1\r\n" + host + "\r\n") == Verdict::malformed);
  CHECK(request("POST /a HTTP/2.0\r\n" + host + "\r\n") == Verdict::malformed);
  CHECK(request("\r\n" + line + host + "\r\n") == Verdict::malformed);
}

TEST_CASE("HTTP/1.1 needs exactly one Host; HTTP/1.0 at most one") {
  CHECK(request(line + "\r\n") == Verdict::malformed);
  CHECK(request(line + host + host + "\r\n") == Verdict::malformed);
  CHECK(request(line + host + "hOST: b\r\n\r\n") == Verdict::malformed);
  CHECK(request("GET / HTTP/1.0\r\n\r\n") == Verdict::complete);
  CHECK(request("GET / HTTP/1.0\r\n" + host + host + "\r\n") == Verdict::malformed);
}

TEST_CASE("the length of a body is never ambiguous") {
  const auto with = [](const std::string& fields) {
    return request(line + host + fields + "\r\n");
  };
  CHECK(with("Transfer-Encoding: chunked\r\n") == Verdict::complete);
  CHECK(with("transfer-encoding:CHUNKED \r\n") == Verdict::complete);
  CHECK(with("Transfer-Encoding: gzip, chunked\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding: identity\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding: xchunked\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding:\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding : chunked\r\n") == Verdict::malformed);
  CHECK(with("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") == Verdict::malformed);
  CHECK(with("Content-Length: 1\r\nContent-Length: 1\r\n") == Verdict::malformed);
  CHECK(with("Content-Length: 1, 1\r\n") == Verdict::malformed);
  CHECK(with("Content-Length: +1\r\n") == Verdict::malformed);
  CHECK(with("Content-Length: 0x1\r\n") == Verdict::malformed);
  CHECK(with("Content-Length:\r\n") == Verdict::malformed);
  CHECK(request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == Verdict::malformed);
}

TEST_CASE("a tunnel is refused, an offer to upgrade is not; expectations are told apart") {
  CHECK(request("CONNECT a:1 HTTP/1.1\r\n" + host + "\r\n") == Verdict::malformed);
  CHECK(request(line + host + "Upgrade: h2c\r\n\r\n") == Verdict::complete);
  HeaderScan scan(HeaderScan::Kind::request);
  CHECK(scan.scan(line + host + "Expect: 100-Continue\r\n\r\n") == Verdict::complete);
  CHECK(scan.expects_continue());
  scan.reset();
  CHECK(scan.scan(line + host + "Expect: a cake\r\n\r\n") == Verdict::complete);
  CHECK(scan.expects_unknown());
}

TEST_CASE("limits hold exactly, also for lines that never end") {
  const HeaderLimits limits{40, 100, 3};
  const auto verdict = [&](const std::string& bytes) {
    return HeaderScan(HeaderScan::Kind::request, limits).scan(bytes);
  };
  const std::string target(40 - std::string("GET / HTTP/1.0").size(), 'a');
  CHECK(verdict("GET /" + target + " HTTP/1.0\r\n\r\n") == Verdict::complete);
  CHECK(verdict("GET /a" + target + " HTTP/1.0\r\n\r\n") == Verdict::first_line_too_long);
  CHECK(verdict("GET /" + std::string(35, 'a')) == Verdict::incomplete);
  CHECK(verdict("GET /" + std::string(36, 'a')) == Verdict::first_line_too_long);
  const std::string get = "GET / HTTP/1.0\r\n";
  CHECK(verdict(get + "a:\r\nb:\r\nc:\r\n\r\n") == Verdict::complete);
  CHECK(verdict(get + "a:\r\nb:\r\nc:\r\nd:\r\n\r\n") == Verdict::too_large);
  const std::string fill(100 - get.size() - std::string("a:\r\n\r\n").size(), 'x');
  CHECK(verdict(get + "a:" + fill + "\r\n\r\n") == Verdict::complete);
  CHECK(verdict(get + "a:x" + fill + "\r\n\r\n") == Verdict::too_large);
  CHECK(verdict(get + "a:" + std::string(82, 'x')) == Verdict::incomplete);
  CHECK(verdict(get + "a:" + std::string(83, 'x')) == Verdict::too_large);
}

TEST_CASE("responses pass through the same checks") {
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") == Verdict::complete);
  CHECK(response("HTTP/1.1 200\r\n\r\n") == Verdict::complete);
  CHECK(response("HTTP/1.1 200 OK\r\nUpgrade: h2c\r\n\r\n") == Verdict::complete);
  CHECK(response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == Verdict::malformed);
  CHECK(response("HTTP/2 200 OK\r\n\r\n") == Verdict::malformed);
  CHECK(response("ICY 200 OK\r\n\r\n") == Verdict::malformed);
  CHECK(response("HTTP/1.1 200 OK\r\nX: a\n\r\n") == Verdict::malformed);
}
