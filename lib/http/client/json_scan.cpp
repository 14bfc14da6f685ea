#include "http/client/json_scan.hpp"

#include <bitset>

namespace postoffice::http {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void JsonScan::skip_space() {
  while (!at_end()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    ++position_;
  }
}

bool JsonScan::take(char c) {
  if (!next_is(c)) return false;
  ++position_;
  skip_space();
  return true;
}

bool JsonScan::take_word(std::string_view word) {
  if (!text_.substr(position_).starts_with(word)) return false;
  position_ += word.size();
  skip_space();
  return true;
}

bool JsonScan::take_string(Key* key) {
  if (!next_is('"')) return false;
  ++position_;
  while (!at_end()) {
    const auto byte = static_cast<unsigned char>(text_[position_]);
    if (byte == '"') {
      ++position_;
      skip_space();
      return true;
    }
    if (byte < 0x20) return false;
    if (byte == '\\') {
      if (!take_escape(key)) return false;
    } else if (byte >= 0x80) {
      if (!take_utf8()) return false;
      if (key) key->add(byte);
    } else {
      ++position_;
      if (key) key->add(byte);
    }
  }
  return false;
}

bool JsonScan::take_escape(Key* key) {
  const std::string_view rest = text_.substr(position_ + 1);
  if (rest.empty()) return false;
  if (rest.front() != 'u') {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t found = letters.find(rest.front());
    if (found == letters.npos) return false;
    if (key) key->add(static_cast<unsigned char>(meanings[found]));
    position_ += 2;
    return true;
  }
  if (rest.size() < 5) return false;
  unsigned unit = 0;
  for (const char c : rest.substr(1, 4)) {
    const int value = hex_value(c);
    if (value < 0) return false;
    unit = unit * 16 + static_cast<unsigned>(value);
  }
  if (key) key->add(unit);
  position_ += 6;
  return true;
}

/// One character of two to four bytes: no longer than it need be, no surrogate, not beyond
/// U+10FFFF.
bool JsonScan::take_utf8() {
  const auto byte = [&](std::size_t n) -> unsigned {
    return position_ + n < text_.size() ? static_cast<unsigned char>(text_[position_ + n]) : 0u;
  };
  const unsigned first = byte(0);
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 0 || first > 0xf4) return false;
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > most) return false;
  for (std::size_t n = 2; n < size; ++n) {
    if ((byte(n) & 0xc0) != 0x80) return false;
  }
  position_ += size;
  return true;
}

std::size_t JsonScan::skip_digits() {
  const std::size_t begin = position_;
  while (!at_end() && is_digit(text_[position_])) ++position_;
  return position_ - begin;
}

bool JsonScan::take_number(std::string_view& token) {
  const std::size_t begin = position_;
  if (!skip_number()) return position_ = begin, false;
  token = text_.substr(begin, position_ - begin);
  skip_space();
  return true;
}

bool JsonScan::skip_number() {
  if (next_is('-')) ++position_;
  const bool zero = next_is('0');
  const std::size_t digits = skip_digits();
  if (digits == 0 || (zero && digits > 1)) return false;
  if (next_is('.')) {
    ++position_;
    if (skip_digits() == 0) return false;
  }
  if (next_is('e') || next_is('E')) {
    ++position_;
    if (next_is('+') || next_is('-')) ++position_;
    if (skip_digits() == 0) return false;
  }
  return true;
}

bool JsonScan::skip_scalar() {
  if (next_is('"')) return take_string();
  if (std::string_view number; take_number(number)) return true;
  return take_word("true") || take_word("false") || take_word("null");
}

bool JsonScan::take_key_of_skipped() { return take_string() && take(':'); }

bool JsonScan::skip_value() {
  std::bitset<depth_max> is_object;  // of each level that is open
  std::size_t depth = 0;
  while (true) {
    // A value begins here.
    if (next_is('{') || next_is('[')) {
      const bool object = next_is('{');
      take(object ? '{' : '[');
      if (!take(object ? '}' : ']')) {
        if (depth == depth_max) return too_deep_ = true, false;
        is_object[depth++] = object;
        if (object && !take_key_of_skipped()) return false;
        continue;
      }
    } else if (!skip_scalar()) {
      return false;
    }
    // A value has ended here, and with it perhaps some of those around it.
    while (depth != 0 && take(is_object[depth - 1] ? '}' : ']')) --depth;
    if (depth == 0) return true;
    if (!take(',')) return false;
    if (is_object[depth - 1] && !take_key_of_skipped()) return false;
  }
}

}  // namespace postoffice::http
