// Answers as ordinary servers write them are accepted; unusable ones are reported.
#include "field/answers/neighbours.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> node(std::uint16_t port, const std::string& how) {
  need("/usr/bin/node");
  return {"/usr/bin/node", std::string(FIELD_DIRECTORY) + "/source.js", std::to_string(port), how};
}

/// Trailer fields behind each answer, and a connection is closed after seven.
std::vector<std::string> nginx(const OpenDirectory& directory, std::uint16_t port) {
  need("/usr/sbin/nginx");
  const auto file = directory.write(
      "nginx.conf", "daemon off;\npid " + directory.path() + "/pid;\nevents {}\nhttp {\n" +
                        "access_log off;\nserver {\nlisten 127.0.0.1:" + std::to_string(port) +
                        ";\nkeepalive_requests 7;\nadd_trailer X-Sum 1;\n" +
                        "add_trailer Server-Timing app;\ndefault_type application/json;\n" +
                        "location ~ ^/objects/([0-9]+)$ {\n" +
                        "return 200 '{\"id\":$1,\"online\":true}';\n}\n}\n}\n");
  return {"/usr/sbin/nginx", "-e", directory.path() + "/log", "-c", file};
}

std::vector<std::string> haproxy(const OpenDirectory& directory, std::uint16_t port,
                                 std::uint16_t behind) {
  need("/usr/sbin/haproxy");
  const auto file = directory.write(
      "haproxy.conf", "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n" +
                          std::string(" timeout server 30s\nlisten source\n bind 127.0.0.1:") +
                          std::to_string(port) +
                          "\n server one 127.0.0.1:" + std::to_string(behind) + " maxconn 8\n");
  return {"/usr/sbin/haproxy", "-db", "-f", file};
}

void stores_all(std::uint16_t port) {
  Asking asking(port);
  asking.post(1, 200);
  CHECK(asking.stores(200, 8s));
  CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
  CHECK(asking.metric("postoffice_refused_answers_total{reason=\"framing\"}") == 0);
}

}  // namespace

TEST_CASE("trailer fields of nginx are dropped, and its limit of requests costs no answer") {
  const OpenDirectory directory;
  const auto port = free_port();
  const Neighbour server(port, nginx(directory, port));
  stores_all(port);
}

TEST_CASE("HAProxy in front of a source passes answers on, and queues fetches") {
  const OpenDirectory directory;
  const auto port = free_port();
  const auto front = free_port();
  const Neighbour server(port, nginx(directory, port));
  const Neighbour proxy(front, haproxy(directory, front, port));
  stores_all(front);
}

TEST_CASE("Node's trailers, a 203, a number beyond doubles and a lone surrogate are accepted") {
  const auto port = free_port();
  const Neighbour server(port, node(port, "trailers"));
  stores_all(port);
}

TEST_CASE(
    "an answer that is refused is told once, counted, and in health while it is all that comes") {
  const auto port = free_port();
  const Neighbour server(port, node(port, "error"));
  Asking asking(port);
  auto& daemon = asking.daemon();
  const auto lines = [&](const std::string& text) {
    const auto log = daemon.process().err();
    std::size_t count = 0;
    for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
    return count;
  };
  const auto sick_of = [&](const std::string& text) {
    const auto health = daemon.page("/healthz");
    return health.status == 503 && health.body.find(text) != std::string::npos;
  };
  asking.post(1, 20);
  CHECK(eventually([&] { return sick_of("all answers are refused"); }, 5s));
  CHECK(sick_of("HTTP 500"));
  CHECK(asking.metric("postoffice_refused_answers_total{reason=\"status_5xx\"}") >= 8);
  http_get(port, "/how/string");
  asking.post(21, 40);
  CHECK(eventually([&] { return sick_of("id is not an int64"); }, 5s));
  CHECK(asking.metric("postoffice_refused_answers_total{reason=\"types\"}") >= 1);
  http_get(port, "/how/good");
  asking.post(1, 40);
  CHECK(asking.stores(40, 15s));
  CHECK(eventually([&] { return daemon.page("/healthz").status == 200; }, 5s));
  CHECK(lines("an answer was refused") == 2);
  CHECK(lines("every answer is refused, the newest") == 1);
  CHECK(lines("its answers are accepted again") == 1);
}
