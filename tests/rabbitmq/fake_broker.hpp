// A broker that does what a real one will not when a test wants it: as much AMQP as a connect, a
// publish and a consume need, and then whatever the test says.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "rabbitmq/message.hpp"

namespace postoffice::testing {

class FakeBroker {
 public:
  using Text = std::string;  // of bytes

  /// What a publish brought, its tag, and where to answer.
  class Peer;
  using OnPublish = std::function<void(Peer&, std::uint64_t tag, const Text& body)>;
  using OnConsume = std::function<void(Peer&)>;

  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    std::uint64_t last_tag = 0;  // published

    void send(const Text& bytes) {
      for (std::size_t at = 0; at < bytes.size();) {
        const auto count = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (count <= 0) return;
        at += static_cast<std::size_t>(count);
      }
    }
    void method(int class_id, int method_id, const Text& arguments, int channel = 1) {
      send(frame(1, channel, number(class_id, 2) + number(method_id, 2) + arguments));
    }
    void ack(std::uint64_t tag, bool multiple = false) {
      method(60, 80, number(tag, 8) + number(multiple, 1));
    }
    void nack(std::uint64_t tag, bool multiple = false) {
      method(60, 120, number(tag, 8) + number(multiple, 1));
    }
    void give_back(const Text& body) {
      method(60, 50, number(312, 2) + short_text("NO_ROUTE") + short_text("") + short_text("q"));
      content(body);
    }
    void deliver(std::uint64_t tag, const Text& body, bool redelivered = false) {
      method(60, 60,
             short_text("postoffice") + number(tag, 8) + number(redelivered, 1) + short_text("") +
                 short_text("q"));
      content(body);
    }
    /// As a real broker cuts it: in frames of 128 KiB.
    void deliver_in_pieces(std::uint64_t tag, std::size_t size) {
      method(60, 60,
             short_text("postoffice") + number(tag, 8) + number(0, 1) + short_text("") +
                 short_text("q"));
      send(frame(2, 1, number(60, 2) + number(0, 2) + number(size, 8) + number(0, 2)));
      const Text piece(131'064, 'x');
      for (std::size_t at = 0; at < size; at += piece.size()) {
        send(frame(3, 1, piece.substr(0, size - at)));
      }
    }
    void block(bool blocked) {
      method(10, blocked ? 60 : 61, blocked ? short_text("memory") : "", 0);
    }
    void close_channel() {
      method(20, 40, number(541, 2) + short_text("INTERNAL_ERROR") + number(0, 4));
    }
    void hang_up() { ::shutdown(socket_, SHUT_RDWR); }

   private:
    void content(const Text& body) {
      send(frame(2, 1, number(60, 2) + number(0, 2) + number(body.size(), 8) + number(0, 2)));
      if (!body.empty()) send(frame(3, 1, body));
    }
    const int socket_;
  };

  explicit FakeBroker(
      OnPublish on_publish = [](Peer& peer, std::uint64_t tag, const Text&) { peer.ack(tag); },
      OnConsume on_consume = [](Peer&) {})
      : on_publish_(std::move(on_publish)), on_consume_(std::move(on_consume)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listener");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }

  ~FakeBroker() {
    stopping_ = true;
    thread_.join();
    for (auto& peer : peers_) peer.join();
    ::close(listener_);
  }

  std::string url() const { return "amqp://127.0.0.1:" + std::to_string(port_); }
  int connects() const { return connects_; }
  int acknowledged() const { return acknowledged_; }  ///< basic.ack
  int rejected() const { return rejected_; }

  /// What the broker says when it is asked how many consumers a queue has.
  void say_consumers(unsigned count) { consumers_ = count; }
  void say_messages(unsigned count) { messages_ = count; }  ///< … and how many are in it

  /// Those who connect next are told this instead of an AMQP greeting; empty: as it should be.
  void greet_with(Text text) {
    const std::lock_guard lock(mutex_);
    greeting_ = std::move(text);
  }

  /// From here on nothing is read or answered, but connections stay open.
  void freeze() { frozen_ = true; }

  static Text number(std::uint64_t value, int bytes) {
    Text text;
    while (--bytes >= 0) text += static_cast<char>(value >> (8 * bytes));
    return text;
  }
  static Text short_text(const Text& text) { return number(text.size(), 1) + text; }
  static Text frame(int type, int channel, const Text& payload) {
    return number(static_cast<std::uint64_t>(type), 1) +
           number(static_cast<std::uint64_t>(channel), 2) + number(payload.size(), 4) + payload +
           "\xce";
  }
  static Text message(const rabbitmq::MessageHeader& header, std::vector<ObjectId> ids) {
    std::vector<std::byte> bytes;
    rabbitmq::encode_message(header, ids, bytes);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd descriptor{listener_, POLLIN, 0};
      if (::poll(&descriptor, 1, 10) <= 0 || frozen_) continue;
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      ++connects_;
      peers_.emplace_back([this, socket] {
        talk(socket);
        ::close(socket);
      });
    }
  }

  /// False at the end.
  bool read(int socket, Text& out, std::size_t size) {
    out.clear();
    while (out.size() < size) {
      pollfd descriptor{socket, POLLIN, 0};
      const int ready = frozen_ ? 0 : ::poll(&descriptor, 1, 10);
      if (stopping_) return false;
      if (ready <= 0) {
        if (frozen_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      char bytes[4096];
      const auto count = ::recv(socket, bytes, std::min(size - out.size(), sizeof bytes), 0);
      if (count <= 0) return false;
      out.append(bytes, static_cast<std::size_t>(count));
    }
    return true;
  }

  static std::uint64_t number_at(const Text& text, std::size_t at, int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      value = value << 8 | static_cast<unsigned char>(text.at(at + static_cast<std::size_t>(i)));
    }
    return value;
  }

  void talk(int socket) {
    Peer peer(socket);
    Text head, payload, body;
    std::uint64_t body_size = 0;
    if (!read(socket, head, 8)) return;
    {
      const std::lock_guard lock(mutex_);
      if (!greeting_.empty()) return peer.send(greeting_);
    }
    peer.method(10, 10,
                number(9, 2) + number(0, 4) + number(5, 4) + "PLAIN" + number(5, 4) + "en_US", 0);
    while (read(socket, head, 7)) {
      if (!read(socket, payload, number_at(head, 3, 4) + 1)) return;
      const auto type = number_at(head, 0, 1);
      if (type == 1)
        answer(peer, static_cast<int>(number_at(payload, 0, 2)),
               static_cast<int>(number_at(payload, 2, 2)), payload);
      if (type == 2) {
        body_size = number_at(payload, 4, 8);
        body.clear();
      }
      if (type == 3) body.append(payload, 0, payload.size() - 1);
      if ((type == 2 || type == 3) && body.size() == body_size) {
        on_publish_(peer, ++peer.last_tag, body);
      }
    }
  }

  void answer(Peer& peer, int class_id, int method_id, const Text& payload) {
    const int id = class_id * 1000 + method_id;
    if (id == 10011) {
      peer.method(10, 30, number(1, 2) + number(131'072, 4) + number(0, 2), 0);
    } else if (id == 10040) {
      peer.method(10, 41, number(0, 1), 0);
    } else if (id == 20010) {
      peer.method(20, 11, number(0, 4));
    } else if (id == 50010) {
      const auto size = number_at(payload, 6, 1);
      peer.method(
          50, 11,
          short_text(payload.substr(7, size)) + number(messages_, 4) + number(consumers_, 4));
    } else if (id == 60020) {
      peer.method(60, 21, short_text("postoffice"));
      on_consume_(peer);
    } else if (id == 40010 || id == 50020 || id == 85010 || id == 60010) {
      peer.method(class_id, method_id + 1, "");
    } else if (id == 60080) {
      acknowledged_ = static_cast<int>(number_at(payload, 4, 8));
    } else if (id == 60090) {
      ++rejected_;
    }
  }

  const OnPublish on_publish_;
  const OnConsume on_consume_;
  std::mutex mutex_;
  Text greeting_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> frozen_{false};
  std::atomic<int> connects_{0};
  std::atomic<unsigned> consumers_{1};
  std::atomic<unsigned> messages_{0};
  std::atomic<int> acknowledged_{0};
  std::atomic<int> rejected_{0};
  std::thread thread_;
  std::vector<std::thread> peers_;
};

}  // namespace postoffice::testing
