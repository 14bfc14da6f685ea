#include "options/location.hpp"

#include <string_view>

namespace postofficed {
namespace {

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// Where the URL leads, whoever asks.
std::string without_user_info(const std::string& url) {
  const auto begin = url.find("://");
  const auto end = url.rfind('@');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return url;
  return url.substr(0, begin + 3) + url.substr(end + 1);
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
