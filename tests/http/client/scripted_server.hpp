// A server that follows a test's script, including faults.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postoffice::testing {

/// One accepted connection, in the hands of a script on a thread of its own.
class Peer {
 public:
  Peer(int socket, int number) : number(number), socket_(socket) {}

  /// The next request head; empty when the client has closed.
  std::string request() {
    char chunk[4096];
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      const ssize_t size = recv(socket_, chunk, sizeof chunk, 0);
      if (size <= 0) return {};
      received_.append(chunk, static_cast<std::size_t>(size));
    }
    std::string head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    return head;
  }

  /// The id at the end of the next request's path; false when the client has closed.
  bool request_id(std::int64_t& id) {
    const std::string head = request();
    if (head.empty()) return false;
    const auto end = head.find(" HTTP/1.1\r\n");
    const auto begin = head.rfind('/', end - 1) + 1;
    id = std::strtoll(head.c_str() + begin, nullptr, 10);
    return true;
  }

  bool send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t size = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return false;
      sent += static_cast<std::size_t>(size);
    }
    return true;
  }

  bool answer(std::int64_t id) { return send(ok(body_for(id))); }

  /// Returns when the client has closed.
  void wait_for_close() {
    while (!request().empty()) {
    }
  }

  /// The connection ends with a RST instead of a FIN.
  void reset_on_close() {
    const linger hard{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

  static std::string body_for(std::int64_t id) {
    return "{\"id\":" + std::to_string(id) + ",\"online\":" + (id % 2 == 0 ? "true" : "false") +
           "}";
  }

  static std::string with_status(const std::string& status, const std::string& body,
                                 const std::string& fields = {}) {
    return "HTTP/1.1 " + status + "\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string ok(const std::string& body) { return with_status("200 OK", body); }

  const int number;  ///< of the connection, from 0

 private:
  int socket_;
  std::string received_;
};

/// Listens on a loopback port and runs the script for every connection; closes it when the script
/// returns.
class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedServer(Script script, std::uint16_t port = 0) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 1024) != 0) {
      throw std::runtime_error("the scripted server cannot listen");
    }
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [number, served] : served_) {
        if (served.socket >= 0) shutdown(served.socket, SHUT_RDWR);
      }
    }
    for (auto& [number, served] : served_) served.thread.join();
  }

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/objects/{id}"; }
  int connections() const { return accepted_; }

 private:
  struct Served {
    int socket = -1;
    std::thread thread;
  };

  void accept_all() {
    while (true) {
      const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) return;
      const std::lock_guard lock(mutex_);
      for (; !ended_.empty(); ended_.pop_back()) {
        served_.at(ended_.back()).thread.join();
        served_.erase(ended_.back());
      }
      const int number = accepted_++;
      Served& served = served_[number];
      served.socket = accepted;
      served.thread = std::thread([this, accepted, number] {
        Peer peer(accepted, number);
        script_(peer);
        const std::lock_guard done(mutex_);
        ::close(accepted);
        served_.at(number).socket = -1;
        ended_.push_back(number);
      });
    }
  }

  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;
  std::map<int, Served> served_;
  std::vector<int> ended_;  // threads that only wait to be joined
  std::atomic<int> accepted_{0};
};

}  // namespace postoffice::testing
