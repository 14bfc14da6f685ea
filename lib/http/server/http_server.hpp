// A small HTTP/1.1 server for pages and tests: the daemon's admin listener, the tester's source.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"

namespace postoffice {

struct HttpRequest {
  std::string method;
  std::string path;   ///< without the query, percent-decoded
  std::string query;  ///< after the '?', as sent
  std::string body;
  std::string head{};  ///< first line and header fields, as sent
};

/// The value of a header field, without white space around it; `lower_name` is in lower case. The
/// values of a repeated one have commas between them.
std::optional<std::string> header_value(const HttpRequest& request, std::string_view lower_name);

/// Every `name=value` of a query string, in order, percent-decoded.
std::vector<std::pair<std::string, std::string>> query_values(const std::string& query);

/// The value of `name` in a query string, percent-decoded, if it is there.
std::optional<std::string> query_value(const std::string& query, const std::string& name);

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< in addition to the usual ones
};

struct HttpServerOptions {
  std::string listen = "localhost:9091";  ///< host:port, every address of the host
  std::vector<int>
      sockets{};  ///< listening sockets to use instead; the server owns them from then on
  std::size_t body_bytes_max = 1 << 20;
  std::size_t connections_max = 20'000;
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds request_timeout{10'000};  ///< from the first byte to the last
};

struct HttpServerStatus {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t connections_max = 0;
};

/// One request at a time per connection, answered in order; keep-alive, chunked bodies, HEAD.
///
/// Threads: the handler runs on the loop's thread; a response may be given from any thread, once,
/// at once or later.
class HttpServer {
 public:
  using Respond = std::function<void(HttpResponse)>;
  using Handler = std::function<void(HttpRequest request, Respond respond)>;

  /// Throws std::invalid_argument if `listen` cannot be parsed.
  HttpServer(EventLoop& loop, HttpServerOptions options, Handler handler, Log log = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::error_code start();
  void stop();
  std::uint16_t port() const;
  HttpServerStatus status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
