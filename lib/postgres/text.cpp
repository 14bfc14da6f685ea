#include "postgres/text.hpp"

#include <cstddef>

namespace postoffice::postgres {
namespace {

// How many bytes the character that begins with `lead` has; 0 if none can begin so.
std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// Overlong forms, surrogates and numbers beyond U+10FFFF show in the second byte.
bool is_valid_second(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0: return second >= 0xA0;
    case 0xED: return second < 0xA0;
    case 0xF0: return second >= 0x90;
    case 0xF4: return second < 0x90;
    default: return true;
  }
}

// The length of the valid character at the front of `text`, or 0.
std::size_t valid_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = length_of(lead);
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t index = 1; index < length; ++index) {
    if ((static_cast<unsigned char>(text[index]) & 0xC0) != 0x80) return 0;
  }
  if (length > 1 && !is_valid_second(lead, static_cast<unsigned char>(text[1]))) return 0;
  return length;
}

}  // namespace

std::string storable_text(std::string_view text, bool unicode) {
  std::string storable;
  storable.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = valid_length(text);
    if (length == 0 || text[0] == '\0' || (length > 1 && !unicode)) {
      storable.push_back('?');
      text.remove_prefix(length == 0 ? 1 : length);
    } else {
      storable.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return storable;
}

}  // namespace postoffice::postgres
