#include "options/location.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace postofficed {
namespace {

constexpr std::string_view hidden = "***";

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool is_secret(std::string_view key) { return key == "password" || key == "sslpassword"; }

// Everything between "scheme://" and the last '@' may hold the password: libpq takes passwords with
// unescaped '/' in them, too.
std::string redact_user_info(const std::string& url) {
  const auto begin = url.find("://") + 3;
  const auto end = url.rfind('@');
  if (end == std::string::npos || end < begin) return url;
  const auto colon = url.find(':', begin);
  if (colon == std::string::npos || colon > end) return url;
  return url.substr(0, colon + 1) + std::string(hidden) + url.substr(end);
}

// Where the URL leads, whoever asks.
std::string without_user_info(const std::string& url) {
  const auto begin = url.find("://");
  const auto end = url.rfind('@');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return url;
  return url.substr(0, begin + 3) + url.substr(end + 1);
}

std::string redact_url(const std::string& url) {
  std::string result = redact_user_info(url);
  auto place = result.find('?');
  while (place != std::string::npos) {
    const auto begin = place + 1;
    const auto equals = result.find('=', begin);
    if (equals == std::string::npos) break;
    const auto end = result.find('&', equals);
    if (is_secret(std::string_view(result).substr(begin, equals - begin))) {
      result.replace(equals + 1, end == std::string::npos ? end : end - equals - 1, hidden);
    }
    place = result.find('&', equals);
  }
  return result;
}

std::size_t skip_spaces(const std::string& text, std::size_t place) {
  while (place < text.size() && std::isspace(static_cast<unsigned char>(text[place]))) ++place;
  return place;
}

// The end of a value as libpq reads it: quoted with ', or up to the next space; \ escapes.
std::size_t end_of_value(const std::string& text, std::size_t place) {
  const bool quoted = place < text.size() && text[place] == '\'';
  if (quoted) ++place;
  for (; place < text.size(); ++place) {
    if (text[place] == '\\') {
      ++place;
    } else if (quoted ? text[place] == '\''
                      : std::isspace(static_cast<unsigned char>(text[place])) != 0) {
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
    auto key_end = equals;
    while (key_end > key && std::isspace(static_cast<unsigned char>(text[key_end - 1]))) --key_end;
    const auto value = skip_spaces(text, equals + 1);
    const auto end = end_of_value(text, value);
    const bool secret = is_secret(std::string_view(text).substr(key, key_end - key));
    result += text.substr(place, value - place);
    result += secret ? std::string(hidden) : text.substr(value, end - value);
    place = end;
  }
  return result;
}

// "key=value" of a source's query.
std::string redact_parameter(const std::string& text) {
  const auto equals = text.find('=');
  const auto value = equals == std::string::npos ? 0 : equals + 1;
  const bool shown = value == text.size() || text.find("{id}", value) != std::string::npos;
  return shown ? text : text.substr(0, value) + std::string(hidden);
}

// What is wrong with a URL is said when the part that uses it is built.
#ifdef POSTOFFICED_RABBITMQ
constexpr bool broker_known = true;
#else
constexpr bool broker_known = false;
#endif

}  // namespace

Result<StoreLocation> parse_store(const std::string& text) {
  if (text == "sqlite:") return misconfigured("does not name a file (sqlite:PATH)");
  if (starts_with(text, "sqlite:"))
    return StoreLocation{StoreLocation::Kind::sqlite, text.substr(7)};
  const bool url = starts_with(text, "postgresql://") || starts_with(text, "postgres://");
  const bool pairs = text.find('=') != std::string::npos && text.find("://") > text.find('=');
  if (url || pairs) return StoreLocation{StoreLocation::Kind::postgres, text};
  return misconfigured("is not a store (sqlite:PATH, postgresql://… or libpq's key=value pairs)");
}

Result<QueueLocation> parse_queue(const std::string& text, const std::string& directory) {
  using Kind = QueueLocation::Kind;
  const bool journal_first = starts_with(text, "file+");
  const std::string url = journal_first ? text.substr(5) : text;
  if (starts_with(url, "amqp://") || starts_with(url, "amqps://")) {
    if (!broker_known) return misconfigured("cannot be used: RabbitMQ support is not built in");
    if (journal_first) return QueueLocation{Kind::file_then_broker, directory, url};
    return QueueLocation{Kind::broker, {}, url};
  }
  if (starts_with(text, "file:") && text.size() > 5) {
    return QueueLocation{Kind::file, text.substr(5), {}};
  }
  return misconfigured("is not a queue (file:PATH, amqp://… or file+amqp://…)");
}

bool same_place(const QueueLocation& a, const QueueLocation& b) {
  return a.kind == b.kind && a.directory == b.directory &&
         without_user_info(a.url) == without_user_info(b.url);
}

std::string redact(const std::string& text) {
  const auto at = text.rfind('@');
  if (at != std::string::npos && text.find('=') == std::string::npos &&
      text.find("://") == std::string::npos) {
    return std::string(hidden) + text.substr(at);
  }
  const auto scheme = text.find("://");
  const bool url = scheme != std::string::npos && scheme < text.find('=');
  return url ? redact_url(text) : redact_pairs(text);
}

std::string redact_source(const std::string& url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const auto question = std::min(url.find('?'), url.size());
  const auto at = url.rfind('@');
  // A '@' behind the first '?' may belong to a password with a '?' in it.
  if (at != std::string::npos && at > question) return url.substr(0, begin) + std::string(hidden);
  std::string result = url.substr(0, question);
  if (at != std::string::npos && at >= begin) result.replace(begin, at - begin, hidden);
  for (auto place = question; place < url.size();) {  // at a '?' or '&'
    const auto end = std::min(url.find('&', place + 1), url.size());
    result += url[place] + redact_parameter(url.substr(place + 1, end - place - 1));
    place = end;
  }
  return result;
}

std::string describe(const StoreLocation& location) {
  if (location.kind == StoreLocation::Kind::sqlite) return "sqlite:" + location.target;
  return redact(location.target);
}

std::string describe(const QueueLocation& location) {
  switch (location.kind) {
    case QueueLocation::Kind::file: return "file:" + location.directory;
    case QueueLocation::Kind::broker: return redact(location.url);
    case QueueLocation::Kind::file_then_broker: return "file+" + redact(location.url);
  }
  return {};
}

}  // namespace postofficed
