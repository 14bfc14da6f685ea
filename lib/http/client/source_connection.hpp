// One connection to the source, from its connect to its close.
#pragma once

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
#include "net/poller.hpp"

namespace postoffice::http {

class SourceConnection;
using SourceConnectionList = std::list<SourceConnection>;

/// Events of a connection for its owner, on the loop's thread. A connection closed since the poller
/// looked may still deliver one event.
class SourceConnectionEvents {
 public:
  virtual void ready(SourceConnection& connection) = 0;

 protected:
  ~SourceConnectionEvents() = default;
};

/// A socket without buffers: it reads into its owner's buffer, so a connection that is idle or
/// waits for an answer costs little more than its descriptor.
class SourceConnection final : public net::Pollable {
 public:
  using Endpoint = asio::ip::tcp::endpoint;

  SourceConnection(SourceConnectionEvents& events, const Endpoint& endpoint, std::size_t tried)
      : addresses_tried(tried), events_(events), endpoint_(endpoint) {}
  SourceConnection(const SourceConnection&) = delete;
  SourceConnection& operator=(const SourceConnection&) = delete;
  ~SourceConnection() override { close(); }

  /// Begins to connect; ready() follows unless this fails at once.
  std::error_code connect(net::Poller& poller);

  /// How the connect ended. Prepares the socket for use, and refuses one that is connected to
  /// itself. From then on ready() means bytes, or a close by the other side.
  std::error_code establish(net::Poller& poller);

  std::error_code send(std::string_view bytes);

  /// Bytes read; 0 with an error, which is asio::error::eof for an orderly close.
  std::size_t read(std::span<char> buffer, std::error_code& error);
  void close();

  void on_events(std::uint32_t) override { events_.ready(*this); }

  bool closed() const { return socket_ < 0; }
  const Endpoint& endpoint() const { return endpoint_; }

  // The owner's bookkeeping.
  FetchList fetch;                         // the one it carries, or empty
  std::unique_ptr<ResponseReader> reader;  // while an answer comes in pieces
  SourceConnectionList* home = nullptr;
  SourceConnectionList::iterator place{};
  std::chrono::steady_clock::time_point since{};  // began to connect, was asked, or idle
  std::size_t addresses_tried;
  bool asked = false;    // a request went out on it
  bool used = false;     // it has carried a fetch to its end
  bool leaving = false;  // to be closed after its answer

 private:
  SourceConnectionEvents& events_;
  Endpoint endpoint_;
  int socket_ = -1;
};

}  // namespace postoffice::http
