#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "http/header_scan.hpp"
#include "http/server/http_server.hpp"
#include "http/server/percent.hpp"

namespace postoffice {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string http::percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> query_values(const std::string& query) {
  std::vector<std::pair<std::string, std::string>> values;
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : pair.size());
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    values.emplace_back(
        http::percent_decoded(pair.substr(0, equals), true),
        http::percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true));
  }
  return values;
}

std::optional<std::string> query_value(const std::string& query, const std::string& name) {
  for (auto& [key, value] : query_values(query)) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

std::optional<std::string> header_value(const HttpRequest& request, std::string_view lower_name) {
  constexpr std::string_view white = " \t";
  std::optional<std::string> found;
  std::string_view rest = request.head;
  for (auto end = rest.find("\r\n"); end != std::string_view::npos; end = rest.find("\r\n")) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!http::equals_ignoring_case(line.substr(0, colon), lower_name)) continue;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(white), value.size()));
    value = value.substr(0, value.find_last_not_of(white) + 1);
    found = found ? *found + ", " + std::string(value) : std::string(value);
  }
  return found;
}

}  // namespace postoffice
