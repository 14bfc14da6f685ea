#include "commands/top/text.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "support/json.hpp"

namespace postofficed::top {
namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut(const std::string& text, std::size_t width) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_character(text[i]) && characters++ == width) return text.substr(0, i);
  }
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  const auto size = length(text);
  return size < width ? text + std::string(width - size, ' ') : text;
}

// Of the control characters U+0080 to U+009F UTF-8 has the first byte 0xC2.
std::string harmless(const std::string& text) {
  std::string result;
  const std::string mended = mend_utf8(text);
  for (std::size_t i = 0; i < mended.size(); ++i) {
    const auto byte = static_cast<unsigned char>(mended[i]);
    const bool later_control = byte == 0xC2 && static_cast<unsigned char>(mended[i + 1]) < 0xA0;
    if (later_control) ++i;
    const bool space = byte == '\n' || byte == '\t' || byte == '\r';
    result += space ? ' ' : later_control || byte < 0x20 || byte == 0x7F ? '?' : mended[i];
  }
  return result;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  if (width == 0) return lines;
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    while (length(word) > width) {  // no line is wide enough for it
      if (!line.empty()) lines.push_back(std::exchange(line, {}));
      const std::string front = cut(word, width);
      lines.push_back(front);
      word.erase(0, front.size());
    }
    const bool fits = length(line) + 1 + length(word) <= width;
    if (!line.empty() && !fits) lines.push_back(std::exchange(line, {}));
    if (word.empty()) continue;
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace postofficed::top
