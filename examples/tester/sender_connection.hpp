// One connection of the sender: one POST at a time.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tester {

class SenderConnection;

/// A callback on its way.
struct Post {
  std::uint64_t number = 0;
  std::vector<std::int64_t> ids;
  std::string request;
  std::int64_t sent_at = 0;  // wall clock
  std::chrono::steady_clock::time_point begun{};
  bool done = false;
  std::shared_ptr<SenderConnection> connection;  // the one that carries it
};

class SenderConnection : public std::enable_shared_from_this<SenderConnection> {
 public:
  /// The response to the post carried, or status 0 when there is none because the connection
  /// failed. `reusable`: it can take the next post.
  using Ended =
      std::function<void(SenderConnection&, int status, const std::string& receipt, bool reusable)>;
  using Endpoints = asio::ip::tcp::resolver::results_type;

  SenderConnection(asio::io_context& context, Ended ended)
      : socket_(context), ended_(std::move(ended)) {}

  void connect(const Endpoints& endpoints);
  void send(std::shared_ptr<Post> post);

  /// Closes it without calling `Ended`.
  void close();

  std::shared_ptr<Post> post;  // the one it carries, or none

 private:
  void write();
  void read();
  void received();
  void end(int status, const std::string& receipt, bool reusable);

  asio::ip::tcp::socket socket_;
  Ended ended_;
  bool connected_ = false;
  bool closed_ = false;
  std::array<char, 2048> chunk_;
  std::string response_;
};

}  // namespace tester
