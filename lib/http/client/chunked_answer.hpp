// Parses the chunked body of an answer (RFC 9112, 7.1) while it arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postoffice::http {

/// Chunk extensions and trailer fields are recognized and dropped, as the standard requires. Input
/// that two parsers could read differently is refused: a line end that is not CR LF, a control
/// byte, a size that is not plain hexadecimal digits, a trailer line that is not a field. llhttp
/// 8.1 refuses several extensions after one size and reads trailer fields as if they were in the
/// head, so it gets the head only. More is accepted than in a request (ChunkedBody): blanks after a
/// size, with which old servers pad it, and trailer fields of any name, since none of them is used.
/// Only the body is kept, so an endless answer costs no memory.
class ChunkedAnswer {
 public:
  enum class State { more, data, complete, failed };

  /// Limit of sizes, extensions, line ends and trailer fields together.
  static constexpr std::size_t overhead_max = 16 * 1024;

  void reset() { *this = ChunkedAnswer(); }

  /// Consumes the front of `bytes`. data: `piece` is part of the body, and there may be more. more:
  /// all of `bytes` was consumed.
  State next(std::string_view& bytes, std::string_view& piece);

  std::string_view failure() const { return failure_; }

 private:
  enum class At {
    size_begin,
    size,
    after_size,
    extension,
    size_line_feed,
    data,
    data_return,
    data_line_feed,
    trailer_begin,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    last_line_feed,
    end,
  };

  State read(char c);
  State read_size(char c);
  State read_line_end(char c);
  State read_trailer(char c);
  State go(At at) { return at_ = at, at == At::end ? State::complete : State::more; }
  State fail(std::string_view why) { return failure_ = why, State::failed; }

  At at_ = At::size_begin;
  std::uint64_t left_ = 0;  // of the chunk
  std::size_t overhead_ = 0;
  std::string_view failure_;
};

}  // namespace postoffice::http
