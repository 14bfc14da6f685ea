#include "http/client/source_url.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using postoffice::http::parse_source_url;

namespace {

/// What is said about a url that is refused; empty if it is not.
std::string refusal(const std::string& url) {
  try {
    parse_source_url(url);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a source url is parsed into host, port and the two parts around the id") {
  const auto url = parse_source_url("http://localhost:9010/objects/{id}");
  CHECK(url.host == "localhost");
  CHECK(url.port == 9010);
  CHECK(url.host_header == "localhost:9010");
  CHECK(url.target_prefix == "/objects/");
  CHECK(url.target_suffix.empty());
}

TEST_CASE("the id may stand in the query, and something may follow it") {
  const auto url = parse_source_url("HTTP://example.org/get?id={id}&full=1");
  CHECK(url.port == 80);
  CHECK(url.host_header == "example.org");
  CHECK(url.target_prefix == "/get?id=");
  CHECK(url.target_suffix == "&full=1");
  CHECK(parse_source_url("http://example.org?{id}").target_prefix == "/?");
}

TEST_CASE("an IPv6 literal keeps its brackets in the Host header only") {
  const auto url = parse_source_url("http://[::1]:8080/{id}");
  CHECK(url.host == "::1");
  CHECK(url.host_header == "[::1]:8080");
  CHECK(parse_source_url("http://[::1]/{id}").host_header == "[::1]");
}

TEST_CASE("a url that cannot work is refused with its reason") {
  CHECK(mentions(refusal("https://a/{id}"), "TLS is not built in"));
  CHECK(mentions(refusal("ftp://a/{id}"), "scheme"));
  CHECK(mentions(refusal("localhost:9010/{id}"), "http://"));
  CHECK(mentions(refusal("http://user:pw@a/{id}"), "user info"));
  CHECK(mentions(refusal("http://a/{id}#top"), "fragment"));
  CHECK(mentions(refusal("http://a/objects"), "{id}"));
  CHECK(mentions(refusal("http://a/{id}/{id}"), "only once"));
  CHECK(mentions(refusal("http://{id}/objects"), "host"));
  CHECK(mentions(refusal("http:///objects/{id}"), "host"));
  CHECK(mentions(refusal("http://a:0/{id}"), "port"));
  CHECK(mentions(refusal("http://a:65536/{id}"), "port"));
  CHECK(mentions(refusal("http://a:/{id}"), "port"));
  CHECK(mentions(refusal("http://[::1/{id}"), "not closed"));
  CHECK(mentions(refusal("http://[1.2.3]/{id}"), "IPv6"));
  CHECK(mentions(refusal("http://[::1]x/{id}"), "port"));
  CHECK(mentions(refusal("http://a/{id} HTTP/1.1\r\nX: y"), "percent-encoded"));
  CHECK(mentions(refusal("http://a/{x}/{id}"), "percent-encoded"));
  CHECK(mentions(refusal("http://a/" + std::string(5000, 'x') + "{id}"), "too long"));
}
