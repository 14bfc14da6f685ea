#include "http/client/plain_answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "http/client/object_answer.hpp"
#include "http/header_scan.hpp"

namespace postoffice::http {
namespace {

constexpr std::string_view status_line = "HTTP/1.1 200 OK\r\n";
constexpr std::size_t fields_max = 32;
constexpr std::size_t length_digits_max = 9;

constexpr std::array<bool, 256> make_name_bytes() {
  std::array<bool, 256> bytes{};
  for (unsigned char c = '0'; c <= '9'; ++c) bytes[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) bytes[c] = bytes[c - 'a' + 'A'] = true;
  bytes['-'] = bytes['_'] = true;
  return bytes;
}
constexpr std::array<bool, 256> name_bytes = make_name_bytes();

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return name_bytes[static_cast<unsigned char>(c)];
  });
}

bool is_plain_value(std::string_view value) {
  unsigned strange = 0;
  for (const char c : value) strange |= static_cast<unsigned>(c < ' ' || c == 0x7f);
  return strange == 0;
}

/// What the header fields say about the framing; anything unusual ends the reading.
class Fields {
 public:
  bool accept(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || ++count_ > fields_max) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    return is_plain_name(name) && is_plain_value(value) && understood(name, value);
  }

  bool has_length() const { return has_length_; }
  std::size_t length() const { return length_; }

 private:
  bool understood(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 7: return !equals_ignoring_case(name, "upgrade");
      case 10:
        return !equals_ignoring_case(name, "connection") ||
               equals_ignoring_case(value, "keep-alive");
      case 14: return !equals_ignoring_case(name, "content-length") || accept_length(value);
      case 16: return !equals_ignoring_case(name, "proxy-connection");
      case 17: return !equals_ignoring_case(name, "transfer-encoding");
      default: return true;
    }
  }

  bool accept_length(std::string_view value) {
    if (has_length_ || value.empty() || value.size() > length_digits_max) return false;
    const auto end = value.data() + value.size();
    has_length_ = std::from_chars(value.data(), end, length_).ptr == end;
    return has_length_;
  }

  std::size_t count_ = 0;
  bool has_length_ = false;
  std::size_t length_ = 0;
};

}  // namespace

bool read_plain_answer(std::string_view bytes, const ResponseLimits& limits, ObjectId asked,
                       ReadAnswer& result) {
  if (!bytes.starts_with(status_line)) return false;
  std::size_t position = status_line.size();
  Fields fields;
  while (true) {
    const void* newline = std::memchr(bytes.data() + position, '\n', bytes.size() - position);
    if (newline == nullptr) return false;
    const auto end = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data());
    if (end == position || bytes[end - 1] != '\r') return false;
    const std::string_view line = bytes.substr(position, end - 1 - position);
    position = end + 1;
    if (line.empty()) break;
    if (!fields.accept(line)) return false;
  }
  if (position > limits.header_bytes_max || fields.length() > limits.body_bytes_max) return false;
  if (!fields.has_length() || fields.length() != bytes.size() - position) return false;
  result = parse_object_answer(bytes.substr(position), asked);
  return true;
}

}  // namespace postoffice::http
