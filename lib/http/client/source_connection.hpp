// One connection to the source, from its connect to its close.
#pragma once

#include <asio/basic_stream_socket.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "http/client/fetch.hpp"
#include "http/client/response_reader.hpp"

namespace postoffice::http {

class SourceConnection;
using SourceConnectionList = std::list<std::shared_ptr<SourceConnection>>;

/// What a connection tells its owner, on the loop's thread. A connection that was closed meanwhile
/// may still tell one thing more.
class SourceConnectionEvents {
 public:
  virtual void connect_ended(SourceConnection& connection, const std::error_code& error) = 0;
  virtual void readable(SourceConnection& connection) = 0;

 protected:
  ~SourceConnectionEvents() = default;
};

/// It waits for readability and reads into a buffer of its owner's, so an idle connection, and one
/// that waits for an answer, has no read buffer.
class SourceConnection : public std::enable_shared_from_this<SourceConnection> {
 public:
  using Endpoint = asio::ip::tcp::endpoint;

  SourceConnection(std::shared_ptr<SourceConnectionEvents> events, asio::io_context& context,
                   ResponseLimits limits, const Endpoint& endpoint, std::size_t tried)
      : reader(limits),
        addresses_tried(tried),
        events_(std::move(events)),
        socket_(context.get_executor()),
        endpoint_(endpoint) {}

  /// Begins to connect; connect_ended() follows unless this fails at once.
  std::error_code connect();

  /// Prepares a connected socket for use, and refuses one that met itself.
  std::error_code establish();

  /// readable() follows once, on bytes or a close by the other side.
  void wait();

  std::error_code send(std::string_view bytes);
  std::size_t read(std::span<char> buffer, std::error_code& error);
  void close();

  bool closed() const { return closed_; }
  const Endpoint& endpoint() const { return endpoint_; }

  // The owner's bookkeeping.
  FetchList fetch;  // the one it carries, or empty
  ResponseReader reader;
  SourceConnectionList* home = nullptr;
  SourceConnectionList::iterator place{};
  std::chrono::steady_clock::time_point since{};  // when it began to connect, or to be idle
  std::size_t addresses_tried;
  bool used = false;  // it has carried a fetch to its end

 private:
  std::shared_ptr<SourceConnectionEvents> events_;
  asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type> socket_;
  Endpoint endpoint_;
  bool closed_ = false;
};

}  // namespace postoffice::http
