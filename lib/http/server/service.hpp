// The interface that handles a server's requests, and the state shared with its connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/server/request_reader.hpp"
#include "http/server/response_counts.hpp"
#include "http/server/response_text.hpp"

namespace postoffice::http {

class Connection;

/// One request and its response-to-be. Used on the loop's thread only.
struct Exchange {
  virtual ~Exchange() = default;

  Connection* connection = nullptr;  ///< null once the connection is gone or the response is given
  Exchange* next = nullptr;          ///< the next request on its connection
  bool ready = false;                ///< `text` is the whole response
  bool close_after = false;          ///< no request is read after this one
  bool version_is_1_0 = false;
  bool head_only = false;  ///< answered without a body: HEAD
  std::string text;
};

/// Answers the requests of one loop's connections, all on the loop's thread.
class Service {
 public:
  virtual ~Service() = default;

  /// An exchange in its initial state.
  virtual Exchange* acquire() = 0;
  /// The connection has no more use for it.
  virtual void release(Exchange& exchange) = 0;

  /// A client waits for "100 Continue". If false, handle() is called at once, without the body.
  virtual bool wants_body(const Request& head) = 0;
  /// Answer with Connection::answer(), at once or later. The request's views are valid only during
  /// the call.
  virtual void handle(Exchange& exchange, const Request& request) = 0;
  /// The engine itself has refused a request or given up on one.
  virtual void refused(Reply reply) = 0;
  /// Runs after each batch of events, before its responses are sent.
  virtual void batch_done() = 0;
  /// Runs when they are sent.
  virtual void batch_sent() = 0;
  /// Runs at every tick of the loop.
  virtual void tick(std::chrono::steady_clock::time_point now) = 0;
};

struct ServerLimits {
  RequestLimits request;
  std::size_t connections_max = 10'000;
  std::size_t unanswered_max = 64;             ///< requests of one connection
  std::size_t buffered_bytes_max = 64u << 20;  ///< incomplete requests, of all connections
  std::size_t unsent_bytes_max = 64u << 10;    ///< of one connection, before reading pauses
  std::size_t linger_bytes_max = 4u << 20;     ///< read and dropped before a connection is closed
  std::chrono::milliseconds tick{50};
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds header_timeout{5'000};    ///< from the first byte
  std::chrono::milliseconds body_timeout{10'000};     ///< from the end of the header block
  std::chrono::milliseconds request_timeout{15'000};  ///< from the first byte to the last
  std::chrono::milliseconds send_timeout{10'000};     ///< for a client that does not read
  std::chrono::milliseconds linger_timeout{2'000};
  std::chrono::milliseconds stop_timeout{1'000};  ///< for requests half read when stopping
  std::chrono::milliseconds stop_idle{
      1'000};  ///< idle_timeout while stopping: a sender may be about to send
};

/// State shared by the loops of one server.
struct ServerTotals {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> paused{0};  ///< loops that accept no connection at present
  std::atomic<std::uint64_t> buffered_bytes{0};
};

}  // namespace postoffice::http
