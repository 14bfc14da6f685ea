#include "http/client/response_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using postoffice::http::ResponseLimits;
using postoffice::http::ResponseReader;
using State = ResponseReader::State;

namespace {

/// Feeds `bytes` in pieces of `piece`; the state after the last piece that was taken.
State feed(ResponseReader& reader, std::string_view bytes, std::size_t piece) {
  State state = State::more;
  while (state == State::more && !bytes.empty()) {
    // Each piece in memory of its own, so that reading beyond it is seen by a sanitizer.
    const std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    state = reader.feed(part);
  }
  return state;
}

const std::vector<std::size_t> pieces{1, 2, 3, 7, 16, 100'000};

}  // namespace

TEST_CASE("a response is read whatever pieces it comes in") {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello";
  for (const auto piece : pieces) {
    CAPTURE(piece);
    ResponseReader reader(ResponseLimits{});
    for (int round = 0; round < 3; ++round) {
      CHECK_FALSE(reader.started());
      REQUIRE(feed(reader, text, piece) == State::complete);
      CHECK(reader.status() == 200);
      CHECK(reader.body() == "hello");
      CHECK(reader.reusable());
      reader.reset();
    }
  }
}

TEST_CASE("a chunked response is put together") {
  const std::string text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n";
  for (const auto piece : pieces) {
    CAPTURE(piece);
    ResponseReader reader(ResponseLimits{});
    REQUIRE(feed(reader, text, piece) == State::complete);
    CHECK(reader.body() == "hello");
    CHECK(reader.reusable());
  }
}

TEST_CASE("chunk extensions and trailer fields are dropped, whatever they say") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"5;a=b;c=d\r\nhello\r\n0\r\n\r\n", "5;a=\"\\\"\"\r\nhello\r\n0;x\r\n\r\n",
        "5 ; a=b\r\nhello\r\n0\r\n\r\n", "5  \r\nhello\r\n00\r\n\r\n",
        "2\r\nhe\r\n03\r\nllo\r\n0\r\nX-Sum: 1\r\nServer-Timing: db;dur=1\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 7\r\n\r\n",
        "5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\nRetry-After: 9\r\n\r\n",
        "5\r\nhello\r\n0\r\nConnection: close\r\nX:\ta\t\r\n\r\n"}) {
    for (const auto piece : pieces) {
      CAPTURE(body);
      CAPTURE(piece);
      ResponseReader reader(ResponseLimits{});
      REQUIRE(feed(reader, head + body, piece) == State::complete);
      CHECK(reader.body() == "hello");
      CHECK(reader.reusable());
      CHECK(reader.retry_after().count() == 0);
    }
  }
}

TEST_CASE("chunks and trailers that could be read in two ways are refused") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"5\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5 5\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5;\x01\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        "5\r\nhello\r\n0\r\n: x\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\r\n folded\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n", "5\r\nhello\r\n0\r\nX: \x7f\r\n\r\n"}) {
    for (const auto piece : pieces) {
      CAPTURE(body);
      CAPTURE(piece);
      ResponseReader reader(ResponseLimits{});
      CHECK(feed(reader, head + body, piece) == State::failed);
      CHECK_FALSE(reader.reusable());
    }
  }
  ResponseReader endless(ResponseLimits{});
  const std::string many(20'000, 'x');
  CHECK(feed(endless, head + "0\r\nX: " + many + "\r\n\r\n", 1000) == State::failed);
}

TEST_CASE("a tab around a field value is white space") {
  for (const auto piece : pieces) {
    ResponseReader length(ResponseLimits{});
    REQUIRE(feed(length, "HTTP/1.1 200 OK\r\nContent-Length:\t5\t\r\n\r\nhello", piece) ==
            State::complete);
    CHECK(length.reusable());
    for (const char* value : {"close\t", "\tclose", "keep-alive,\tclose", "close \t"}) {
      ResponseReader close(ResponseLimits{});
      const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: ";
      REQUIRE(feed(close, text + value + "\r\n\r\nhello", piece) == State::complete);
      CHECK_FALSE(close.reusable());
    }
    ResponseReader chunked(ResponseLimits{});
    REQUIRE(feed(chunked, "HTTP/1.1 200 OK\r\nTransfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n",
                 piece) == State::complete);
  }
}

TEST_CASE("203 has an answer like 200, other successes do not") {
  for (const int status : {200, 201, 203, 206}) {
    ResponseReader reader(ResponseLimits{});
    REQUIRE(feed(reader,
                 "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 5\r\n\r\nhello",
                 7) == State::complete);
    CHECK(reader.body() == (ResponseReader::has_answer(status) ? "hello" : ""));
  }
}

TEST_CASE("interim responses are skipped") {
  const std::string text =
      "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
  for (const auto piece : pieces) {
    CAPTURE(piece);
    ResponseReader reader(ResponseLimits{});
    REQUIRE(feed(reader, text, piece) == State::complete);
    CHECK(reader.status() == 404);
    CHECK(reader.reusable());
    CHECK(reader.retry_after().count() == 0);
  }
}

TEST_CASE("responses without a body end with their header block") {
  for (const char* text : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n",
                           "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"}) {
    for (const auto piece : pieces) {
      CAPTURE(text);
      ResponseReader reader(ResponseLimits{});
      CHECK(feed(reader, text, piece) == State::complete);
      CHECK(reader.reusable());
    }
  }
}

TEST_CASE("a response that states no length ends with the connection, which is not reused") {
  ResponseReader reader(ResponseLimits{});
  REQUIRE(feed(reader, "HTTP/1.1 200 OK\r\n\r\nhello", 1000) == State::more);
  REQUIRE(reader.finish() == State::complete);
  CHECK(reader.body() == "hello");
  CHECK_FALSE(reader.reusable());
}

TEST_CASE("a connection closed in the middle of a response is a failure") {
  for (const char* text : {"HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    ResponseReader reader(ResponseLimits{});
    REQUIRE(reader.feed(text) == State::more);
    CHECK(reader.finish() == State::failed);
    CHECK(reader.failure() == "closed in the middle of the answer");
  }
}

TEST_CASE("a connection is not reused after Connection: close, HTTP/1.0 or surplus bytes") {
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhix"}) {
    ResponseReader reader(ResponseLimits{});
    REQUIRE(reader.feed(text) == State::complete);
    CHECK(reader.body() == "hi");
    CHECK_FALSE(reader.reusable());
  }
}

TEST_CASE("ambiguous or malformed framing is refused") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& text :
       {std::string("GARBAGE\r\n\r\n"), std::string("HTTP/2 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"),
        ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        ok + "Content-Length: 2, 2\r\n\r\nhi", ok + "Content-Length: -2\r\n\r\nhi",
        ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: gzip\r\n\r\nx",
        std::string("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ok + "X: a\r\n Content-Length: 2\r\n\r\nhi", ok + "X: a\rb\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhiXX0\r\n\r\n",
        std::string(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        std::string("HTTP/1.1 999999 OK\r\n\r\n")}) {
    for (const auto piece : pieces) {
      CAPTURE(text);
      CAPTURE(piece);
      ResponseReader reader(ResponseLimits{});
      CHECK(feed(reader, text, piece) == State::failed);
      CHECK_FALSE(reader.failure().empty());
      CHECK_FALSE(reader.reusable());
    }
  }
}

TEST_CASE("header blocks, interim ones included, are read up to their limit and no further") {
  const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
  const std::string end = "\r\n\r\n";
  const std::size_t limit = 1000;
  for (const auto piece : pieces) {
    const std::string most = begin + std::string(limit - begin.size() - end.size(), 'x') + end;
    ResponseReader taken(ResponseLimits{limit, 100});
    CHECK(feed(taken, most, piece) == State::complete);
    ResponseReader refused(ResponseLimits{limit, 100});
    CHECK(feed(refused, begin + "x" + most.substr(begin.size()), piece) == State::failed);
    ResponseReader interim(ResponseLimits{limit, 100});
    std::string many;
    for (int i = 0; i < 100; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(feed(interim, many, piece) == State::failed);
  }
}

TEST_CASE("a body is read up to its limit and no further") {
  const auto chunk = [](std::size_t size) {
    char text[32];
    std::snprintf(text, sizeof text, "%zx\r\n", size);
    return text + std::string(size, 'x') + "\r\n";
  };
  const std::string fixed = "HTTP/1.1 200 OK\r\nContent-Length: ";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto piece : pieces) {
    CAPTURE(piece);
    ResponseReader one(ResponseLimits{1000, 100});
    CHECK(feed(one, fixed + "100\r\n\r\n" + std::string(100, 'x'), piece) == State::complete);
    ResponseReader two(ResponseLimits{1000, 100});
    CHECK(feed(two, fixed + "101\r\n\r\n", piece) == State::failed);
    ResponseReader three(ResponseLimits{1000, 100});
    CHECK(feed(three, chunked + chunk(60) + chunk(40) + "0\r\n\r\n", piece) == State::complete);
    ResponseReader four(ResponseLimits{1000, 100});
    CHECK(feed(four, chunked + chunk(60) + chunk(41), piece) == State::failed);
    ResponseReader five(ResponseLimits{1000, 100});
    CHECK(feed(five, "HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), piece) == State::failed);
  }
}

TEST_CASE("chunk extensions without end are refused") {
  ResponseReader reader(ResponseLimits{1000, 100});
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
  CHECK(feed(reader, head + std::string(100'000, 'x'), 100) == State::failed);
}

TEST_CASE("an oversized body that does not matter gives its status and ends the connection") {
  for (const char* framing :
       {"Content-Length: 101\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\n65\r\n"}) {
    CAPTURE(framing);
    ResponseReader reader(ResponseLimits{1000, 100});
    const std::string head = "HTTP/1.1 404 Not Found\r\n";
    CHECK(feed(reader, head + framing + std::string(101, 'x'), 100'000) == State::complete);
    CHECK(reader.status() == 404);
    CHECK_FALSE(reader.reusable());
  }
}
