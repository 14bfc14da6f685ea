// The body of a message with "Transfer-Encoding: chunked".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/header_scan.hpp"

namespace postoffice::http {

/// Reads it while it arrives (RFC 9112 7.1). Chunk extensions and trailer fields are checked and
/// dropped. Where a chunk ends is never in doubt: every line ends with CRLF and has no CR or LF
/// within, a size is digits and nothing else, a quoted string ends on its line, and a trailer that
/// would say anything about framing is refused.
class ChunkedBody {
 public:
  enum class Step { more, complete, malformed, too_large };

  explicit ChunkedBody(HeaderLimits limits) : limits_(limits) {}

  /// `bytes` is everything that has arrived since the end of the head, each time the same and
  /// perhaps more. Appends what is new of the body's content. Stops, and says `more`, when `out`
  /// is longer than `content_max`.
  Step read(std::string_view bytes, std::size_t content_max, std::string& out);

  /// How much was read; when complete, the length of the whole.
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
