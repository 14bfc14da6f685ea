// Where an ingress listens, and how many connections it takes.
#include <sys/resource.h>
#include <memory>

#include "http/server/office.hpp"
#include "support/skip.hpp"

namespace test {

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
    postoffice::testing::skip_part("this machine has no IPv6");
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

}  // namespace test
