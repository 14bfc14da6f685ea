#include "base/host_port.hpp"

#include <doctest/doctest.h>

using postoffice::parse_host_port;

TEST_CASE("an address is a host and a port") {
  const auto name = parse_host_port("localhost:9090");
  REQUIRE(name);
  CHECK(name->host == "localhost");
  CHECK(name->port == 9090);
  const auto bracketed = parse_host_port("[::1]:80");
  REQUIRE(bracketed);
  CHECK(bracketed->host == "::1");
}

TEST_CASE("every address of this machine has no host, or a star") {
  for (const char* text : {":9090", "*:9090"}) {
    CAPTURE(text);
    const auto all = parse_host_port(text);
    REQUIRE(all);
    CHECK(all->host.empty());
    CHECK(all->port == 9090);
  }
}

TEST_CASE("what is no address is refused") {
  for (const char* text :
       {"", "localhost", "localhost:", "localhost:65536", "::1:80", "h:80x", "h:-1", "h:+1",
        "http://h:80", "[]:80", "[::1:80", "[[::1]]:80", "a b:80", "user@h:80"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_host_port(text));
  }
}
