#include "commands/top/line.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "commands/top/text.hpp"

namespace postofficed::top {

std::string plain_text(const Line& line) {
  std::string text;
  for (const auto& span : line) text += span.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string coloured_text(const Line& line) {
  std::string text;
  for (const auto& span : line) {
    const char* code = "";
    switch (span.colour) {
      case Colour::plain: break;
      case Colour::dim: code = "\033[2m"; break;
      case Colour::bold: code = "\033[1m"; break;
      case Colour::good: code = "\033[32m"; break;
      case Colour::warning: code = "\033[1;33m"; break;
      case Colour::bad: code = "\033[1;31m"; break;
    }
    text += code + span.text + (*code == '\0' ? "" : "\033[m");
  }
  return text;
}

std::string in_ascii(const std::string& text) {
  constexpr std::pair<std::string_view, const char*> table[] = {
      {"░", "."}, {"▒", ":"}, {"▓", "+"}, {"█", "#"}};
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const auto place = std::find_if(std::begin(table), std::end(table), [&](const auto& row) {
      return text.compare(i, row.first.size(), row.first) == 0;
    });
    const std::size_t size =
        place != std::end(table) ? place->first.size() : cut(text.substr(i, 4), 1).size();
    if (place != std::end(table)) {
      result += place->second;
    } else {
      result += size == 1 ? text[i] : '?';
    }
    i += size;
  }
  return result;
}

}  // namespace postofficed::top
