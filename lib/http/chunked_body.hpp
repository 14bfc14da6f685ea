// The body of a message with "Transfer-Encoding: chunked".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/header_scan.hpp"

namespace postoffice::http {

/// Reads it while it arrives (RFC 9112 7.1). Chunk extensions and trailer fields are checked and
/// dropped. The end of a chunk is never ambiguous: every line ends with CRLF and contains no other
/// CR or LF, a size consists of digits only, a quoted string ends on its line, and a trailer field
/// about framing is refused.
class ChunkedBody {
 public:
  enum class Step { more, complete, malformed, too_large };

  explicit ChunkedBody(HeaderLimits limits) : limits_(limits) {}

  /// `bytes` is everything that has arrived since the end of the head: on each call the same bytes
  /// and perhaps more. Appends the new part of the body's content to `out`. Stops, and returns
  /// `more`, when `out` is longer than `content_max`.
  Step read(std::string_view bytes, std::size_t content_max, std::string& out);

  /// How much was read; once complete, the length of the whole body.
  std::size_t position() const { return position_; }

  /// Valid when malformed or too_large.
  std::string_view reason() const { return reason_; }

 private:
  enum class At : unsigned char { size, content, end_of_content, trailer };

  Step fail(std::string_view reason);
  bool size_line(std::string_view line);
  bool trailer_line(std::string_view line);

  HeaderLimits limits_;
  At at_ = At::size;
  std::size_t position_ = 0;
  std::size_t left_ = 0;  // of the chunk's content
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
  std::string_view reason_;
};

}  // namespace postoffice::http
