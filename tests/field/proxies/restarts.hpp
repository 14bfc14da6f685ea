// A daemon on a socket that outlives it, as a service manager passes it, restarted under load.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/http_client.hpp"

namespace postoffice::testing {

/// For the new process: what a service manager gives it, at most two sockets. Without names it is
/// one socket.
inline Process::Setup pass_sockets(const std::vector<int>& sockets, const std::string& names) {
  return [=] {
    constexpr int first = 3;
    constexpr int aside = 100;  // they may be where the others go
    const int count = static_cast<int>(sockets.size());
    for (int i = 0; i < count; ++i)
      dup3(sockets[static_cast<std::size_t>(i)], aside + i, O_CLOEXEC);
    for (int i = 0; i < count; ++i) dup2(aside + i, first + i);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
    if (!names.empty()) setenv("LISTEN_FDNAMES", names.c_str(), 1);
  };
}

class PassedSocket {
 public:
  PassedSocket() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(listen(socket_, 4096) == 0);
    REQUIRE(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~PassedSocket() { close(socket_); }
  PassedSocket(const PassedSocket&) = delete;
  PassedSocket& operator=(const PassedSocket&) = delete;

  std::uint16_t port() const { return port_; }

  int descriptor() const { return socket_; }

  /// For the new process: the socket is its first one.
  Process::Setup pass() const { return pass_sockets({socket_}, {}); }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

/// Senders without a pause, each with a connection of its own for each callback, or for as long as
/// the answers let it.
class Load {
 public:
  Load(std::uint16_t port, int senders, bool keep_alive) {
    for (int i = 0; i < senders; ++i) {
      threads_.emplace_back([=, this] {
        while (!stop_) send(port, keep_alive);
      });
    }
  }
  ~Load() { end(); }

  void end() {
    stop_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  long accepted() const { return accepted_; }
  long failed() const { return failed_; }

 private:
  static std::string request(bool keep_alive) {
    const std::string body = "{\"object_ids\":[1,2,3]}";
    return "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) +
           (keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n") + body;
  }

  void send(std::uint16_t port, bool keep_alive) {
    try {
      test::HttpClient client(port);
      do {
        const bool sent = client.send(request(keep_alive));
        const auto response = sent ? client.read() : test::Response{};
        ++(response.status == 202 ? accepted_ : failed_);
        const auto field = response.fields.find("connection");
        if (response.status != 202 || (field != response.fields.end() && field->second == "close"))
          return;
      } while (keep_alive && !stop_);
    } catch (const std::exception&) {
      ++failed_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<long> accepted_{0};
  std::atomic<long> failed_{0};
  std::vector<std::thread> threads_;
};

/// Stops and starts the daemon `times` times while `callbacks` are accepted.
inline void restart_under(Load& load, const Process::Setup& pass, const std::string& directory,
                          long callbacks, int times,
                          const std::string& admin_listen = "localhost:0") {
  const Arguments arguments{"--drain-limit", "100ms", "--admin-listen", admin_listen};
  std::optional<Daemon> daemon;
  for (int i = 0; i <= times; ++i) {
    daemon.emplace(directory, arguments, pass, false);
    REQUIRE(daemon->ready());
    const long enough = callbacks * (i + 1) / (times + 1);
    REQUIRE(eventually([&] { return load.accepted() >= enough || load.failed() > 0; },
                       std::chrono::seconds(60)));
    if (i == times) break;
    daemon->process().signal(SIGTERM);
    REQUIRE(daemon->process().exit_code() == 0);
  }
  load.end();
}

}  // namespace postoffice::testing
