// Finds the requests in the bytes of a connection. Knows no sockets and no time.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "http/chunked_body.hpp"
#include "http/header_scan.hpp"
#include "http/server/recent_heads.hpp"

namespace postoffice::http {

struct RequestLimits {
  HeaderLimits header;
  std::size_t body_max = 0;  ///< bytes; a larger body is 413. Its number is in the options
};

/// RFC 9112 2.2: empty lines that a client sends before a request are ignored, up to this many.
constexpr std::size_t empty_lines_max = 8;

/// One request. The views point into the bytes it was read from.
struct Request {
  std::string_view method;
  std::string_view target;
  std::string_view head;  ///< its first line and header fields, with the empty line
  std::string_view body;
  std::string_view content_coding;  ///< of the body; empty: none
  bool keep_alive = false;
  bool version_is_1_0 = false;
};

/// Reads requests one after the other.
///
/// Each read() gets everything that has arrived since the first byte of the current request; the
/// caller keeps those bytes until the request is complete, then drops size() of them and calls
/// next(). A body with Content-Length is therefore never copied. Memory is bounded, because a
/// request beyond the limits is refused as soon as it exceeds them.
class RequestReader {
 public:
  enum class Step {
    more,      ///< call again when there are more bytes
    proceed,   ///< once a request at most: the client waits for "100 Continue"; then like `more`
    complete,  ///< request() and size() are valid
    refused,   ///< status() and reason() are valid; nothing more can be read
  };

  /// `recent` must outlive the reader; others may use it, on the same thread.
  RequestReader(RequestLimits limits, RecentHeads& recent);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  Step read(std::string_view bytes);
  void next();

  /// Valid when complete; all but the body also on `proceed` and while the body is being read.
  const Request& request() const { return request_; }
  std::size_t size() const { return size_; }
  bool in_body() const { return stage_ != Stage::head; }

  int status() const { return status_; }
  const std::string& reason() const { return reason_; }

 private:
  enum class Stage : unsigned char { head, sized_body, chunked_body };

  Step refuse(int status, std::string_view reason);
  Step read_head(std::string_view bytes);
  Step take_known_head(const RecentHeads::Head& head, std::string_view bytes);
  void remember_head(std::string_view head);
  Step refuse_head(HeaderScan::Verdict verdict);
  Step parse_head(std::string_view bytes);
  Step begin_body(std::string_view bytes);
  Step read_sized_body(std::string_view bytes);
  Step read_chunked_body(std::string_view bytes);

  static const llhttp_settings_t& settings();
  static RequestReader& self(llhttp_t* parser);
  bool skip_empty_lines(std::string_view bytes);
  void show_head(std::string_view bytes);

  RequestLimits limits_;
  RecentHeads& recent_;
  HeaderScan scan_;
  llhttp_t parser_;
  Request request_;
  Stage stage_ = Stage::head;
  bool proceed_said_ = false;
  int status_ = 0;
  std::size_t skipped_ = 0;    // empty lines before the request
  std::size_t head_size_ = 0;  // with the skipped bytes
  std::size_t size_ = 0;
  ChunkedBody chunked_;
  std::string chunks_;  // the content of a chunked body
  std::string reason_;
};

}  // namespace postoffice::http
