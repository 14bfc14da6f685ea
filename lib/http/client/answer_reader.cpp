#include "http/client/answer_reader.hpp"

#include <asio/error.hpp>
#include <utility>

#include "http/client/answer_of_response.hpp"
#include "http/client/plain_answer.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

AnswerReader::Result AnswerReader::read(SourceConnection& connection) {
  Result result;
  std::error_code error;
  const std::size_t size = connection.read(buffer_, error);
  if (error == asio::error::would_block) return result;
  if (connection.fetch.empty()) {
    result.state = State::unasked;
    return result;
  }
  const std::string_view bytes(buffer_.data(), size);
  const bool fresh = !error && !connection.reader;
  if (fresh && read_plain_answer(bytes, limits_, connection.fetch.front().id, result.answer)) {
    result.state = State::answered;
    return result;
  }
  return read_pieces(connection, error, bytes);
}

AnswerReader::Result AnswerReader::read_pieces(SourceConnection& connection,
                                               const std::error_code& error,
                                               std::string_view bytes) {
  Result result;
  if (error && (error != asio::error::eof || !connection.reader)) {
    result.state = State::broken;
    result.answer.reason =
        error == asio::error::eof ? "closed without an answer" : "receive: " + error.message();
    return result;
  }
  if (!connection.reader) connection.reader = readers_.lend();
  ResponseReader& reader = *connection.reader;
  switch (error ? reader.finish() : reader.feed(bytes)) {
    case ResponseReader::State::more: break;
    case ResponseReader::State::complete:
      result.state = State::answered;
      result.answer = answer_of_response(reader, connection.fetch.front().id);
      result.reusable = reader.reusable();
      readers_.give_back(std::move(connection.reader));
      break;
    case ResponseReader::State::failed:
      result.state = State::refused;
      result.answer.error = error ? Error::unavailable : Error::bad_answer;
      result.answer.reason = reader.failure();
      result.answer.refusal = reader.refusal();
      break;
  }
  return result;
}

}  // namespace postoffice::http
