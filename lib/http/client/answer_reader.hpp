// Reads answers from connections.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "http/client/reader_pool.hpp"
#include "http/client/refusal.hpp"
#include "http/client/source_connection.hpp"

namespace postoffice::http {

/// Connections have no buffers; they share this one's.
///
/// Threads: none of its own.
class AnswerReader {
 public:
  explicit AnswerReader(const ResponseLimits& limits) : limits_(limits), readers_(limits) {}

  enum class State {
    more,      ///< the answer is not complete
    unasked,   ///< nothing was asked: a close, or bytes that nobody wants
    answered,  ///< `answer` is complete; the connection is `reusable` or not
    refused,   ///< what came is no answer, and `answer` says why
    broken,    ///< the connection failed, for the reason in `answer`
  };
  struct Result {
    State state = State::more;
    ReadAnswer answer{};
    bool reusable = true;
  };
  /// One read, of the answer to the fetch that `connection` carries.
  Result read(SourceConnection& connection);

 private:
  Result read_pieces(SourceConnection& connection, const std::error_code& error,
                     std::string_view bytes);

  const ResponseLimits limits_;
  ReaderPool readers_;
  std::array<char, 64 * 1024> buffer_;
};

}  // namespace postoffice::http
