#include "http/chunked_body.hpp"

#include <algorithm>

namespace postoffice::http {
namespace {

constexpr std::size_t digits_max = 15;  // hexadecimal ones, so that no size overflows

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether `text`, after a chunk's size, is a list of extensions, each after a semicolon. Their
// meaning is ignored, but a quoted string must be closed.
bool are_extensions(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (text.empty()) return true;
  if (first == std::string_view::npos || text[first] != ';') return false;
  bool quoted = false;
  for (std::size_t i = first; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
    if (quoted && byte == '\\') {
      ++i;  // an escaped character is never a closing quote; control bytes were refused with the
            // line
      if (i == text.size()) return false;
    } else if (byte == '"') {
      quoted = !quoted;
    }
  }
  return !quoted;
}

}  // namespace

ChunkedBody::Step ChunkedBody::fail(std::string_view reason) {
  reason_ = reason;
  return Step::malformed;
}

// Invariant: everything before `position_` has been parsed; a line is parsed once it is complete.
ChunkedBody::Step ChunkedBody::read(std::string_view bytes, std::size_t content_max,
                                    std::string& out) {
  while (out.size() <= content_max) {
    const std::string_view rest = bytes.substr(position_);
    if (at_ == At::content) {
      const std::size_t count = std::min(rest.size(), left_);
      out.append(rest.substr(0, count));
      position_ += count;
      left_ -= count;
      if (left_ > 0) return Step::more;
      at_ = At::end_of_content;
      continue;
    }
    const std::size_t newline = rest.find('\n');
    const std::string_view line = rest.substr(0, newline);
    if (at_ == At::end_of_content && line != "\r" && !line.empty()) {
      return fail("the content of a chunk does not end where its size says");
    }
    if (line.size() > limits_.first_line_max) {
      reason_ = "the framing of the chunks is too large";
      return Step::too_large;
    }
    if (line.substr(0, line.empty() ? 0 : line.size() - 1).find('\r') != std::string_view::npos) {
      return fail("there is a CR without LF in the chunks");
    }
    if (newline == std::string_view::npos) return Step::more;
    if (line.empty() || line.back() != '\r') {
      return fail("a line of the chunks does not end with CR LF");
    }
    const std::string_view text = line.substr(0, line.size() - 1);
    position_ += newline + 1;
    if (at_ == At::end_of_content) {
      at_ = At::size;
    } else if (at_ == At::size) {
      if (!size_line(text)) return Step::malformed;
    } else {
      if (text.empty()) return Step::complete;
      if (!trailer_line(text)) return Step::malformed;
    }
  }
  return Step::more;
}

bool ChunkedBody::size_line(std::string_view line) {
  std::size_t digits = 0;
  left_ = 0;
  for (; digits < line.size() && hex_value(line[digits]) >= 0; ++digits) {
    if (digits == digits_max) break;
    left_ = left_ * 16 + static_cast<std::size_t>(hex_value(line[digits]));
  }
  if (digits == 0 || !are_extensions(line.substr(digits))) {
    reason_ = "the size of a chunk is malformed";
    return false;
  }
  at_ = left_ > 0 ? At::content : At::trailer;
  return true;
}

bool ChunkedBody::trailer_line(std::string_view line) {
  trailer_bytes_ += line.size() + 2;
  if (trailer_bytes_ > limits_.block_max || ++trailer_fields_ > limits_.fields_max) {
    reason_ = "there are too many trailer fields";
    return false;
  }
  if (reason_ = field_problem(line); !reason_.empty()) return false;
  const std::string_view name = line.substr(0, line.find(':'));
  for (const std::string_view framing : {"content-length", "transfer-encoding", "host"}) {
    if (!equals_ignoring_case(name, framing)) continue;
    reason_ = "a trailer field must not set the length or the host of the message";
    return false;
  }
  return true;
}

}  // namespace postoffice::http
