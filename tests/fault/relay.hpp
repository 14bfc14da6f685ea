// Forwards TCP connections until a test interferes with them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace postoffice::testing {

/// Both ends of one forwarded connection, and what may be done to them.
class Wire {
 public:
  Wire(int client, int server) : client(client), server(server) {}

  bool to_server(const char* bytes, std::size_t size) const {
    return send_all(server, bytes, size);
  }
  bool to_client(const char* bytes, std::size_t size) const {
    return send_all(client, bytes, size);
  }

  /// This end gets a RST instead of a FIN.
  static void reset_on_close(int socket) {
    const linger hard{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

  const int client;
  const int server;

 private:
  static bool send_all(int socket, const char* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    }
    return true;
  }
};

class Relay {
 public:
  /// Gets what the client says; false ends the connection. By default everything is passed on.
  using Said = std::function<bool(const Wire&, const char* bytes, std::size_t size)>;

  /// Listens on a loopback port, or where `listener` (bound, listening) does.
  explicit Relay(std::uint16_t target_port, Said said = {}, int listener = -1)
      : target_port_(target_port), said_(std::move(said)), listener_(listener) {
    if (listener_ < 0) listener_ = listen_on(INADDR_LOOPBACK);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~Relay() {
    stopping_ = true;
    acceptor_.join();
    for (auto& each : threads_) each.join();
    close(listener_);
  }

  static int listen_on(in_addr_t host_order) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host_order);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, 1024) != 0) {
      throw std::runtime_error(std::string("the relay cannot listen: ") + std::strerror(errno));
    }
    return listener;
  }

  std::uint16_t port() const { return port_; }

  /// Nothing passes any more, either way, and neither end is told, as with a half-open connection.
  void go_silent() { silent_ = true; }
  /// What was held back passes again.
  void speak() { silent_ = false; }
  /// Only new connections pass: the others stay silent, as if their packets were dropped.
  void speak_to_new_ones() {
    abandoned_ = connections_.load();
    silent_ = false;
  }

  /// Every connection ends with a RST at both ends.
  void reset_all() { ++resets_; }

  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd wait{listener_, POLLIN, 0};
      if (silent_ || poll(&wait, 1, tick_ms) <= 0) {
        if (silent_) usleep(tick_ms * 1000);
        continue;
      }
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      threads_.emplace_back([this, client, number = connections_++] { serve(client, number); });
    }
  }

  void serve(int client, int number) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(target_port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      forward(Wire(client, server), number);
    }
    close(client);
    close(server);
  }

  void forward(const Wire& wire, int number) {
    char bytes[16 * 1024];
    const int resets = resets_;
    while (!stopping_) {
      if (resets != resets_) {
        Wire::reset_on_close(wire.client);
        Wire::reset_on_close(wire.server);
        return;
      }
      if (silent_ || number < abandoned_) {
        usleep(tick_ms * 1000);
        continue;
      }
      pollfd ends[] = {{wire.client, POLLIN, 0}, {wire.server, POLLIN, 0}};
      if (poll(ends, 2, tick_ms) <= 0 || silent_) continue;
      for (const pollfd& end : ends) {
        if (end.revents == 0) continue;
        const ssize_t size = recv(end.fd, bytes, sizeof bytes, 0);
        if (size <= 0) return;
        const bool goes_on = end.fd == wire.client
                                 ? said(wire, bytes, static_cast<std::size_t>(size))
                                 : wire.to_client(bytes, static_cast<std::size_t>(size));
        if (!goes_on) return;
      }
    }
  }

  bool said(const Wire& wire, const char* bytes, std::size_t size) const {
    return said_ ? said_(wire, bytes, size) : wire.to_server(bytes, size);
  }

  static constexpr int tick_ms = 10;

  const std::uint16_t target_port_;
  const Said said_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> silent_ = false;
  std::atomic<int> resets_ = 0;
  std::atomic<int> abandoned_ = 0;  // connections with a smaller number
  std::atomic<int> connections_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;
};

}  // namespace postoffice::testing
