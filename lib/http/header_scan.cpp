#include "http/header_scan.hpp"

#include <cstring>

namespace postoffice::http {
namespace {

// RFC 9110 allows HTAB and everything from SP up, but DEL, in a field value.
bool has_control_byte(std::string_view text) {
  unsigned found = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned>(byte < 0x20) & static_cast<unsigned>(byte != '\t');
    found |= static_cast<unsigned>(byte == 0x7f);
  }
  return found != 0;
}

bool all_printable(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

// RFC 3986 3.2.2: a name or an address, and perhaps a port; empty if there is no host. A comma is
// refused although a name could contain one, since it may come from two joined fields.
bool is_host(std::string_view text) {
  std::size_t at = 0;
  const bool literal = text.starts_with('[');
  if (literal) {
    at = text.find(']');
    if (at == std::string_view::npos || at < 3) return false;
    if (text.substr(1, at - 1).find_first_not_of("0123456789abcdefABCDEF:.vV") !=
        std::string_view::npos) {
      return false;
    }
    ++at;
  } else {
    constexpr std::string_view others = "-._~%!$&'()*+;=";
    const auto in_name = [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             others.find(c) != std::string_view::npos;
    };
    while (at < text.size() && in_name(text[at])) ++at;
  }
  if (at == text.size()) return true;
  return text[at] == ':' && (at + 1 == text.size() || all_digits(text.substr(at + 1)));
}

}  // namespace

std::string_view field_problem(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return "a header line is folded";
  if (has_control_byte(line)) return "there is a control byte in a header field";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !all_printable(line.substr(0, colon)) || colon == 0) {
    return "a header line is not a field";
  }
  return {};
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

void HeaderScan::reset() { *this = HeaderScan(kind_, limits_); }

HeaderScan::Verdict HeaderScan::fail(std::string_view reason) {
  reason_ = reason;
  return Verdict::malformed;
}

HeaderScan::Verdict HeaderScan::scan(std::string_view bytes) {
  begin_ = bytes.data();
  while (true) {
    const std::string_view rest = bytes.substr(position_);
    const void* newline = rest.empty() ? nullptr : std::memchr(rest.data(), '\n', rest.size());
    if (newline == nullptr) return limits_of_partial_line(bytes);
    const auto end = static_cast<std::size_t>(static_cast<const char*>(newline) - rest.data());
    if (end == 0 || rest[end - 1] != '\r') return fail("a line does not end with CR LF");
    const std::string_view line = rest.substr(0, end - 1);
    if (position_ == 0) {
      if (line.size() > limits_.first_line_max) return Verdict::first_line_too_long;
      if (!first_line(line)) return Verdict::malformed;
    }
    if (position_ + end + 1 > limits_.block_max) {
      reason_ = "the header block is too large";
      return Verdict::too_large;
    }
    const bool is_field = position_ != 0 && !line.empty();
    position_ += end + 1;
    if (line.empty()) return finish();
    if (!is_field) continue;
    if (++fields_ > limits_.fields_max) {
      reason_ = "there are too many header fields";
      return Verdict::too_large;
    }
    if (!field(line)) return Verdict::malformed;
  }
}

// Stops waiting for an unfinished line once it exceeds its limit.
HeaderScan::Verdict HeaderScan::limits_of_partial_line(std::string_view bytes) {
  const std::string_view line = bytes.substr(position_);
  const bool ends_with_cr = !line.empty() && line.back() == '\r';
  const std::size_t size = line.size() - (ends_with_cr ? 1 : 0);
  if (line.substr(0, size).find('\r') != std::string_view::npos) {
    return fail("there is a CR without LF");
  }
  if (position_ == 0 && size > limits_.first_line_max) return Verdict::first_line_too_long;
  if (bytes.size() > limits_.block_max) {
    reason_ = "the header block is too large";
    return Verdict::too_large;
  }
  return Verdict::incomplete;
}

bool HeaderScan::first_line(std::string_view line) {
  if (has_control_byte(line)) {
    reason_ = "there is a control byte in the first line";
    return false;
  }
  if (kind_ == Kind::request) return request_line(line);
  if (!version(line.substr(0, 8)) || (line.size() > 8 && line[8] != ' ')) {
    reason_ = "the status line is malformed";
    return false;
  }
  return true;
}

bool HeaderScan::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last < first + 2 ||
      !all_printable(line.substr(first + 1, last - first - 1)) || !version(line.substr(last + 1))) {
    reason_ = "the request line is malformed";
    return false;
  }
  if (line.substr(0, first) == "CONNECT") {
    reason_ = "CONNECT is not served";
    return false;
  }
  return true;
}

bool HeaderScan::version(std::string_view text) {
  if (text != "HTTP/1.1" && text != "HTTP/1.0") return false;
  minor_version_ = text.back() == '1' ? 1 : 0;
  return true;
}

bool HeaderScan::field(std::string_view line) {
  if (reason_ = field_problem(line); !reason_.empty()) return false;
  const std::size_t colon = line.find(':');
  return known_field(line.substr(0, colon), trimmed(line.substr(colon + 1)));
}

bool HeaderScan::known_field(std::string_view name, std::string_view value) {
  switch (name.size()) {  // Most fields are none of these; their length shows it at once.
    case 4:
      if (!equals_ignoring_case(name, "host")) return true;
      if (hosts_ < 2) ++hosts_;
      reason_ = "Host is not a host with or without a port";
      return kind_ != Kind::request || is_host(value);
    case 6:
      if (!equals_ignoring_case(name, "expect") || kind_ != Kind::request) return true;
      if (expectation_ == Expectation::unknown) return true;
      expectation_ = equals_ignoring_case(value, "100-continue") ? Expectation::continue_100
                                                                 : Expectation::unknown;
      return true;
    case 14:
      if (!equals_ignoring_case(name, "content-length")) return true;
      reason_ = "Content-Length is not one decimal number";
      return ++content_lengths_ == 1 && all_digits(value);
    case 16:
      if (!equals_ignoring_case(name, "content-encoding") || coding_size_ != 0 || value.empty() ||
          equals_ignoring_case(value, "identity")) {
        return true;
      }
      coding_at_ = static_cast<unsigned>(value.data() - begin_);
      coding_size_ = static_cast<unsigned>(value.size());
      return true;
    case 17:
      if (!equals_ignoring_case(name, "transfer-encoding")) return true;
      reason_ = "Transfer-Encoding is not exactly \"chunked\"";
      return ++transfer_encodings_ == 1 && equals_ignoring_case(value, "chunked");
    default: return true;
  }
}

HeaderScan::Verdict HeaderScan::finish() {
  if (transfer_encodings_ != 0 && minor_version_ == 0) {
    return fail("Transfer-Encoding does not exist in HTTP/1.0");
  }
  if (transfer_encodings_ != 0 && content_lengths_ != 0) {
    return fail("Transfer-Encoding and Content-Length exclude each other");
  }
  if (kind_ == Kind::request && hosts_ > 1) return fail("there is more than one Host field");
  if (kind_ == Kind::request && hosts_ == 0 && minor_version_ == 1) {
    return fail("the Host field is missing");
  }
  return Verdict::complete;
}

}  // namespace postoffice::http
