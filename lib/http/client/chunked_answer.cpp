#include "http/client/chunked_answer.hpp"

#include <algorithm>

namespace postoffice::http {
namespace {

constexpr std::uint64_t chunk_max = std::uint64_t{1} << 40;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

ChunkedAnswer::State ChunkedAnswer::next(std::string_view& bytes, std::string_view& piece) {
  while (!bytes.empty()) {
    if (at_ == At::data) {
      piece =
          bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
      bytes.remove_prefix(piece.size());
      left_ -= piece.size();
      if (left_ == 0) at_ = At::data_return;
      return State::data;
    }
    if (++overhead_ > overhead_max) return fail("chunk extensions or trailer fields are too large");
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (const State state = read(c); state != State::more) return state;
  }
  return State::more;
}

ChunkedAnswer::State ChunkedAnswer::read(char c) {
  switch (at_) {
    case At::size_begin:
    case At::size:
    case At::after_size:
    case At::extension: return read_size(c);
    case At::trailer_begin:
    case At::trailer_name:
    case At::trailer_value: return read_trailer(c);
    default: return read_line_end(c);
  }
}

ChunkedAnswer::State ChunkedAnswer::read_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0 && (at_ == At::size_begin || at_ == At::size)) {
    if (left_ >= chunk_max) return fail("a chunk is too large");
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return go(At::size);
  }
  if (at_ == At::size_begin) return fail("a chunk size is not hexadecimal");
  if (c == '\r') return go(At::size_line_feed);
  if (at_ == At::extension)
    return is_control(c) ? fail("a chunk extension is malformed") : State::more;
  if (c == ';') return go(At::extension);
  return is_blank(c) ? go(At::after_size) : fail("a chunk size is not hexadecimal");
}

ChunkedAnswer::State ChunkedAnswer::read_line_end(char c) {
  if (at_ == At::data_return)
    return c == '\r' ? go(At::data_line_feed) : fail("a chunk is longer than it says");
  if (c != '\n') return fail("a line does not end with CR LF");
  switch (at_) {
    case At::size_line_feed: return go(left_ == 0 ? At::trailer_begin : At::data);
    case At::data_line_feed: return go(At::size_begin);
    case At::trailer_line_feed: return go(At::trailer_begin);
    default: return go(At::end);
  }
}

ChunkedAnswer::State ChunkedAnswer::read_trailer(char c) {
  if (at_ == At::trailer_begin && c == '\r') return go(At::last_line_feed);
  if (at_ == At::trailer_value) {
    if (c == '\r') return go(At::trailer_line_feed);
    return is_control(c) ? fail("there is a control byte in a trailer field") : State::more;
  }
  if (c == ':' && at_ == At::trailer_name) return go(At::trailer_value);
  const bool name =
      !is_control(c) && !is_blank(c) && c != ':' && static_cast<unsigned char>(c) < 0x80;
  return name ? go(At::trailer_name) : fail("a trailer line is not a field");
}

}  // namespace postoffice::http
