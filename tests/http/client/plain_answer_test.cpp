#include "http/client/plain_answer.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "http/client/answer_of_response.hpp"
#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::http;

namespace {

std::string response(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

const std::string answer_7 = "{\"id\":7,\"online\":true}";

/// Does the quick reader take `bytes`? If so, the thorough one must agree in everything.
bool taken(const std::string& bytes, const ResponseLimits& limits = {}) {
  CAPTURE(bytes);
  ReadAnswer quick;
  if (!read_plain_answer(bytes, limits, 7, quick)) return false;
  ResponseReader reader(limits);
  REQUIRE(reader.feed(bytes) == ResponseReader::State::complete);
  REQUIRE(reader.reusable());
  const ReadAnswer thorough = answer_of_response(reader, 7);
  REQUIRE(quick.error == thorough.error);
  REQUIRE(quick.id == thorough.id);
  REQUIRE(quick.online == thorough.online);
  REQUIRE(quick.retry_after == thorough.retry_after);
  REQUIRE(quick.reason == thorough.reason);
  REQUIRE(quick.refusal == thorough.refusal);
  return true;
}

}  // namespace

TEST_CASE("an ordinary answer is read at once, whatever usual fields it has") {
  CHECK(taken(response("", answer_7)));
  CHECK(taken(response("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\r\n", answer_7)));
  CHECK(taken(response("connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n", answer_7)));
  CHECK(taken(response("Content-Type: application/json; charset=utf-8\r\n", answer_7 + "\n")));
  CHECK(taken(response("X:\r\n", "{ \"online\" : false, \"id\" : 7, \"more\" : [1] }")));
  // The framing is ordinary, so the verdict on the body stands as well.
  CHECK(taken(response("", "{\"id\":8,\"online\":true}")));
  CHECK(taken(response("", "{\"id\":7,\"online\":true")));
  CHECK(taken(response("", "")));
}

TEST_CASE("unusual, incomplete or wrong answers are left to the thorough reader") {
  const std::string whole = response("Server: x\r\n", answer_7);
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(taken(whole.substr(0, size)));
  CHECK_FALSE(taken(whole + "x"));
  CHECK_FALSE(taken(whole + whole));
  CHECK_FALSE(taken("HTTP/1.0" + whole.substr(8)));
  CHECK_FALSE(taken("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(taken("HTTP/1.1 200 OK\r\n\r\n" + answer_7));
  for (const char* fields :
       {"Connection: close\r\n", "Connection: keep-alive, close\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length: 22\r\n", "Upgrade: h2c\r\n",
        "Proxy-Connection: close\r\n", "X: a\nY: b\r\n", "X: a\r\n b\r\n", "X : a\r\n",
        "no colon\r\n", ": no name\r\n", "X: \x01\r\n", "X: \xff\r\n", "X: a\rb\r\n"}) {
    CAPTURE(fields);
    CHECK_FALSE(taken(response(fields, answer_7)));
  }
  for (const char* length : {"+22", "-22", "22 ", "0x16", "22,22", "", "99999999999999999999"}) {
    CAPTURE(length);
    CHECK_FALSE(
        taken("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n\r\n" + answer_7));
  }
}

TEST_CASE("the limits hold for ordinary answers too") {
  const std::string whole = response("Server: x\r\n", answer_7);
  const std::size_t head = whole.size() - answer_7.size();
  CHECK(taken(whole, {.header_bytes_max = head, .body_bytes_max = answer_7.size()}));
  CHECK_FALSE(taken(whole, {.header_bytes_max = head - 1}));
  CHECK_FALSE(taken(whole, {.body_bytes_max = answer_7.size() - 1}));
}

TEST_CASE("the thorough reader accepts everything that the quick one does, with the same result") {
  const std::vector<std::string> parts{"HTTP/1.1 200 OK\r\n",
                                       "Content-Length: 22\r\n",
                                       "content-length:22\r\n",
                                       "\r\n",
                                       "Connection: keep-alive\r\n",
                                       "Connection: close\r\n",
                                       answer_7,
                                       "Transfer-Encoding: chunked\r\n",
                                       "{\"id\":7,\"online\":false}",
                                       "X: y\r\n",
                                       "Content-Length: 23\r\n",
                                       "Upgrade: x\r\n",
                                       "\n",
                                       "{\"id\":77,\"online\":true}",
                                       "Trailer: X\r\n"};
  std::mt19937_64 random(1);
  std::size_t quick = 0;
  const auto below = [&](std::size_t end) { return random() % end; };
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes = response(below(2) == 0 ? parts[below(parts.size())] : "", answer_7);
    for (auto changes = below(4); changes-- > 0;) {
      switch (below(3)) {
        case 0: bytes.insert(below(bytes.size()), parts[below(parts.size())]); break;
        case 1: bytes[below(bytes.size())] = static_cast<char>(below(256)); break;
        default: bytes.erase(below(bytes.size()), 1 + below(3)); break;
      }
      if (bytes.empty()) bytes = "H";
    }
    quick += taken(bytes) ? 1 : 0;
  }
  CHECK(quick > 1'000);
}
