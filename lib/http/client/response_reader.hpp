// Reads one HTTP response at a time from the bytes of a connection.
#pragma once

#include <llhttp.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "http/client/chunked_answer.hpp"
#include "http/client/refusal.hpp"
#include "http/header_scan.hpp"

namespace postoffice::http {

struct ResponseLimits {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
};

/// HeaderScan checks header blocks before llhttp sees them; nothing is kept beyond the limits. A
/// complete response in one piece is parsed in place, and only its body is copied. Chunk extensions
/// and trailer fields are dropped.
class ResponseReader {
 public:
  enum class State {
    more,      ///< the response is not complete
    complete,  ///< status(), body(), retry_after() and reusable() are valid
    failed,    ///< failure() says why; the connection cannot be used again
  };

  explicit ResponseReader(ResponseLimits limits);
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  /// Prepares for the next response. Must be called after a complete one.
  void reset();

  State feed(std::string_view bytes);

  /// The connection was closed in order: the end of a response that states no length.
  State finish();

  bool started() const { return raw_bytes_ != 0; }
  int status() const { return status_; }
  const std::string& body() const { return body_; }
  std::chrono::milliseconds retry_after() const { return retry_after_; }
  const std::string& failure() const { return failure_; }
  Refusal refusal() const { return refusal_; }

  /// Whether `status` means an answer whose body matters.
  static bool has_answer(int status) { return status == 200 || status == 203; }

  /// Another request may follow on the same connection.
  bool reusable() const { return reusable_; }

 private:
  struct Callbacks;
  enum class Part { head, body, chunks, end };

  State fail(std::string_view reason, Refusal refusal = Refusal::framing);
  State feed_head(std::string_view& bytes);
  State parse_head(std::string_view block);
  State parse(std::string_view& bytes);
  State feed_chunks(std::string_view& bytes);
  int head_complete();
  int body_bytes(std::string_view bytes);
  void message_complete();

  ResponseLimits limits_;
  HeaderScan scan_;
  ChunkedAnswer chunks_;
  llhttp_t parser_;
  Part part_ = Part::head;
  bool reusable_ = false;
  int status_ = 0;
  std::size_t raw_bytes_ = 0;   // of this response, its 1xx included
  std::size_t head_bytes_ = 0;  // of all header blocks so far
  std::size_t body_size_ = 0;
  bool cut_ = false;  // an oversized body that does not matter was not read to its end
  std::chrono::milliseconds retry_after_{0};
  std::string head_;  // an incomplete header block
  std::string body_;
  std::string failure_;
  Refusal refusal_ = Refusal::none;
  std::string_view field_;  // name of the header field being parsed
};

}  // namespace postoffice::http
