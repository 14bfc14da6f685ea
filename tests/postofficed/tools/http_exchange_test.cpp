#include "support/http_exchange.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "http/server/http_server.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

/// Says one thing to whoever comes, whatever they want, and closes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string text) : text_(std::move(text)) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket_, place, size) == 0);
    REQUIRE(listen(socket_, 4) == 0);
    getsockname(socket_, place, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { answer(); });
  }
  ~OneAnswer() {
    thread_.join();
    close(socket_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void answer() const {
    const int peer = accept(socket_, nullptr, nullptr);
    char buffer[4096];
    if (recv(peer, buffer, sizeof buffer, 0) > 0) {
      send(peer, text_.data(), text_.size(), MSG_NOSIGNAL);
    }
    shutdown(peer, SHUT_WR);
    while (recv(peer, buffer, sizeof buffer, 0) > 0) continue;
    close(peer);
  }

  std::string text_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

HttpAnswer http_get(const std::string& address, const std::string& path,
                    std::chrono::milliseconds timeout = 5s) {
  return exchange(address, get_request(address, path), timeout);
}

}  // namespace

TEST_CASE("a request names its host, and the token if there is one") {
  CHECK(get_request("[::1]:9091", "/status") ==
        "GET /status HTTP/1.1\r\nHost: [::1]:9091\r\nConnection: close\r\n\r\n");
  CHECK(get_request(":9091", "/", "secret") ==
        "GET / HTTP/1.1\r\nHost: localhost:9091\r\nConnection: close\r\n"
        "Authorization: Bearer secret\r\n\r\n");
}

TEST_CASE("a page is read whole") {
  postoffice::EventLoop loop;
  std::string big(300'000, 'x');
  postoffice::HttpServer server(loop, {.listen = "localhost:0"},
                                [&](const auto& request, const auto& respond) {
                                  respond({request.path == "/big" ? 200 : 404,
                                           "text/plain",
                                           request.path == "/big" ? big : "none",
                                           {}});
                                });
  loop.start();
  REQUIRE_FALSE(server.start());
  const auto address = "localhost:" + std::to_string(server.port());
  const auto answer = http_get(address, "/big");
  CHECK(answer.status == 200);
  CHECK(answer.body == big);
  CHECK(http_get(":" + std::to_string(server.port()), "/").status == 404);
  server.stop();
}

TEST_CASE("an answer that is none says why") {
  const auto of = [](const std::string& text) {
    const OneAnswer server(text);
    return http_get(server.address(), "/");
  };
  CHECK(of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").body == "hi");
  CHECK(of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi").problem == "the answer was cut off");
  CHECK(of("SSH-2.0-OpenSSH\r\n").problem == "the answer is not HTTP");
  CHECK(of("").problem == "the connection was closed without an answer");
  CHECK(http_get("localhost:1", "/").problem == "Connection refused");
  CHECK(http_get("nonsense", "/").problem == "no address: nonsense");
}

TEST_CASE("nobody is waited for without end") {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(socket, 4) == 0);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  const auto answer = http_get("127.0.0.1:" + std::to_string(ntohs(address.sin_port)), "/", 50ms);
  CHECK(answer.status == 0);
  CHECK(answer.problem == "no answer within the time");
  close(socket);
}
