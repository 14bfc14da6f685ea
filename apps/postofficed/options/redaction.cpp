#include "options/redaction.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace postofficed {
namespace {

constexpr std::string_view separators = "?&#;";

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = std::tolower(static_cast<unsigned char>(c));
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  return std::nullopt;
}

// As a server reads the name of a parameter: "pass%77ord" is "password".
std::string plain_key(std::string_view key) {
  std::string plain;
  for (std::size_t i = 0; i < key.size(); ++i) {
    char c = key[i];
    if (c == '%' && i + 2 < key.size()) {
      const auto high = hex_digit(key[i + 1]), low = hex_digit(key[i + 2]);
      if (high && low) {
        c = static_cast<char>(*high * 16 + *low);
        i += 2;
      }
    }
    if (!is_space(c)) plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

bool is_secret(std::string_view key) {
  const std::string plain = plain_key(key);
  if (plain == "passfile") return false;  // a path
  const auto holds = [&](const char* word) { return plain.find(word) != std::string::npos; };
  if (holds("pass") || holds("pwd") || holds("secret") || holds("token") || holds("credential"))
    return true;
  constexpr std::array keys{"key",  "apikey", "api_key",       "api-key",  "access_key",
                            "auth", "sig",    "authorization", "signature"};
  return std::find(keys.begin(), keys.end(), plain) != keys.end();
}

bool is_web(const std::string& url) {
  const std::string scheme = plain_key(std::string_view(url).substr(0, url.find("://")));
  return scheme.ends_with("http") || scheme.ends_with("https");
}

// "host", "host:9010", "[::1]:9010": nothing that could be a user and a password.
bool is_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return std::isdigit(c); });
  return text.starts_with('[') || (digits && text.find(':') == colon);
}

// Where the user's part ends: at the last '@', since libpq takes passwords with unescaped '/' and
// '@' in them, too. In the URL of a web server, an '@' behind the address is none of it.
std::size_t end_of_user(const std::string& url, std::size_t begin) {
  const auto end = url.rfind('@');
  if (end == std::string::npos || end < begin) return begin;
  const auto authority = url.find_first_of("/?#", begin);
  if (is_web(url) && authority < end &&
      is_address(std::string_view(url).substr(begin, authority - begin)))
    return begin;
  return end;
}

std::string redact_user(const std::string& url) {
  const auto begin = url.find("://") + 3;
  const auto end = end_of_user(url, begin);
  if (end == begin) return url;
  const auto colon = url.find(':', begin);
  if (colon < end) return url.substr(0, colon + 1) + hidden + url.substr(end);
  return is_web(url) ? url.substr(0, begin) + hidden + url.substr(end) : url;  // a bare token
}

std::string redact_url(const std::string& url) {
  std::string result = redact_user(url);
  auto place = result.find_first_of(separators);
  while (place != std::string::npos) {
    const auto begin = place + 1;
    auto end = result.find_first_of(separators, begin);
    const auto equals = result.find('=', begin);
    const bool pair = equals < end;
    if (pair && is_secret(std::string_view(result).substr(begin, equals - begin))) {
      // ';' is rarely a separator: what stands behind it is hidden, too.
      end = result.find_first_of("&#", begin);
      result.replace(equals + 1, end == std::string::npos ? end : end - equals - 1, hidden);
      end = result.find_first_of("&#", equals);
    }
    place = end;
  }
  return result;
}

std::size_t skip_spaces(const std::string& text, std::size_t place) {
  while (place < text.size() && is_space(text[place])) ++place;
  return place;
}

// The end of a value as libpq reads it: quoted with ', or up to the next space; \ escapes.
std::size_t end_of_value(const std::string& text, std::size_t place) {
  const bool quoted = place < text.size() && text[place] == '\'';
  if (quoted) ++place;
  for (; place < text.size(); ++place) {
    if (text[place] == '\\') {
      ++place;
    } else if (quoted ? text[place] == '\'' : is_space(text[place])) {
      return quoted ? place + 1 : place;
    }
  }
  return text.size();
}

std::string redact_pairs(const std::string& text) {
  std::string result;
  std::size_t place = 0;
  while (place < text.size()) {
    const auto key = skip_spaces(text, place);
    const auto equals = text.find('=', key);
    if (equals == std::string::npos) return result + text.substr(place);
    const auto value = skip_spaces(text, equals + 1);
    const auto end = end_of_value(text, value);
    const auto shown = text.substr(value, end - value);
    result += text.substr(place, value - place);
    const bool secret = is_secret(std::string_view(text).substr(key, equals - key));
    // libpq takes a whole URL as the name of a database.
    result += secret                                   ? std::string(hidden)
              : shown.find("://") != std::string::npos ? redact_url(shown)
                                                       : shown;
    place = end;
  }
  return result;
}

}  // namespace

std::string redact(const std::string& text) {
  const auto at = text.rfind('@');
  if (at != std::string::npos && text.find('=') == std::string::npos &&
      text.find("://") == std::string::npos) {
    return hidden + text.substr(at);
  }
  const auto scheme = text.find("://");
  const bool url = scheme != std::string::npos && scheme < text.find('=');
  return url ? redact_url(text) : redact_pairs(text);
}

std::string redact_in(std::string message, const std::string& text) {
  const auto shown = redact(text);
  if (shown == text) return message;
  for (auto at = message.find(text); at != std::string::npos; at = message.find(text, at))
    message.replace(at, text.size(), shown);
  return message;
}

}  // namespace postofficed
