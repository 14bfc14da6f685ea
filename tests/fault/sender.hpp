// Senders in this process, unaffected by the daemon's faults: their records are reliable.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/source.hpp"

namespace postoffice::testing {

/// A connection that stays, for one request after the other.
class CallbackConnection {
 public:
  explicit CallbackConnection(std::uint16_t port,
                              std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval time{limit.count() / 1000, limit.count() % 1000 * 1000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    usable_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~CallbackConnection() { close(socket_); }
  CallbackConnection(const CallbackConnection&) = delete;
  CallbackConnection& operator=(const CallbackConnection&) = delete;

  bool usable() const { return usable_; }

  /// The status of the answer; 0: there was none, and the connection is of no use any more.
  int post(const std::vector<std::int64_t>& ids) {
    if (!usable_ || !write(request(ids))) return fail();
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read()) return fail();
    }
    head_ = input_.substr(0, end + 2);
    const auto length = head_.find("Content-Length: ");
    const auto whole =
        end + 4 +
        (length == std::string::npos ? 0 : std::strtoul(&head_[length + 16], nullptr, 10));
    while (input_.size() < whole) {
      if (!read()) return fail();
    }
    input_.erase(0, whole);
    if (head_.find("Connection: close") != std::string::npos) usable_ = false;
    return std::atoi(head_.c_str() + 9);
  }

  /// Of the last answer.
  const std::string& head() const { return head_; }

 private:
  static std::string request(const std::vector<std::int64_t>& ids) {
    std::string body = "{\"object_ids\":[";
    for (const auto id : ids) body += std::to_string(id) + ",";
    if (!ids.empty()) body.pop_back();
    body += "]}";
    return "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  bool write(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto count = send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (count <= 0) return false;
      at += static_cast<std::size_t>(count);
    }
    return true;
  }

  bool read() {
    char buffer[4096];
    const auto count = recv(socket_, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  int fail() {
    usable_ = false;
    return 0;
  }

  int socket_ = -1;
  bool usable_ = false;
  std::string input_;
  std::string head_;
};

/// A callback as its sender saw it. Times are microseconds since the epoch.
struct Sent {
  std::int64_t sent_at = 0;
  std::int64_t answered_at = 0;  // or given up
  int status = 0;                // 0: no answer, so nobody knows
  bool retry_after = false;
  std::vector<std::int64_t> ids;
};

/// Everything that was ever sent, by whatever sender. Each callback has ids of its own, so that
/// none can be lost behind another, and some of the `hot` ids that keep coming (negative ones).
class Ledger {
 public:
  static constexpr int fresh_ids = 3;
  static constexpr int hot_ids = 10;

  std::vector<std::int64_t> next_ids() {
    const auto callback = next_++;
    std::vector<std::int64_t> ids{-1 - callback % hot_ids};
    for (int i = 0; i < fresh_ids; ++i) ids.push_back(callback * fresh_ids + i + 1);
    return ids;
  }

  void add(Sent sent) {
    const std::lock_guard lock(mutex_);
    ++by_status_[sent.status];
    sent_.push_back(std::move(sent));
  }

  std::size_t count(int status) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_status_.find(status);
    return found == by_status_.end() ? 0 : found->second;
  }
  std::size_t accepted() const { return count(202); }

  /// Those sent after `time`, and perhaps some before.
  std::vector<Sent> since(std::int64_t time) const {
    const std::lock_guard lock(mutex_);
    auto begin = sent_.end();
    while (begin != sent_.begin() && std::prev(begin)->answered_at > time) --begin;
    return {begin, sent_.end()};
  }

  std::vector<Sent> all() const {
    const std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  std::atomic<std::int64_t> next_{0};
  mutable std::mutex mutex_;
  std::vector<Sent> sent_;
  std::map<int, std::size_t> by_status_;
};

/// Posts one callback, which the ledger then knows.
inline Sent post_one(CallbackConnection& connection, Ledger& ledger) {
  Sent sent;
  sent.ids = ledger.next_ids();
  sent.sent_at = now_us();
  sent.status = connection.post(sent.ids);
  sent.answered_at = now_us();
  sent.retry_after = connection.head().find("\r\nRetry-After: ") != std::string::npos;
  ledger.add(sent);
  return sent;
}

/// Sends without end on several connections, which it makes anew when they break.
class Sender {
 public:
  Sender(std::uint16_t port, Ledger& ledger, int connections = 4,
         std::chrono::microseconds pause = std::chrono::milliseconds(5))
      : port_(port), ledger_(ledger), pause_(pause) {
    for (int i = 0; i < connections; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Sender() { stop(); }

  /// Returns when nothing is under way any more.
  void stop() {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    while (!stopping_) {
      CallbackConnection connection(port_);
      while (!stopping_ && connection.usable()) {
        post_one(connection, ledger_);
        std::this_thread::sleep_for(pause_);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  const std::uint16_t port_;
  Ledger& ledger_;
  const std::chrono::microseconds pause_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace postoffice::testing
