#include "http/server/response_text.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

namespace postoffice::http {
namespace {

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, error == std::errc{} ? end : digits);
}

// A malformed value must not turn one field into two.
void append_field_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
}

void append_json_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
      out += escaped;
    } else {
      out += c;
    }
  }
}

}  // namespace

std::string_view status_text(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

std::string_view DateField::text(std::chrono::steady_clock::time_point now) {
  if (!text_.empty() && now - made_ < std::chrono::seconds(1)) return text_;
  made_ = now;
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // Not strftime, which would use the locale's language.
  char line[96];
  std::snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                days[parts.tm_wday % 7], parts.tm_mday, months[parts.tm_mon % 12],
                parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  text_ = line;
  return text_;
}

void append_head(std::string& out, const ResponseHead& head) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(head.status));
  out += ' ';
  out += status_text(head.status);
  out += "\r\n";
  out += head.date;
  if (!head.content_type.empty()) {
    out += "Content-Type: ";
    append_field_text(out, head.content_type);
    out += "\r\n";
  }
  if (head.status != 204 && head.status != 304 && head.status >= 200) {
    out += "Content-Length: ";
    append_number(out, head.body_size);
    out += "\r\n";
  }
  out += head.raw_fields;
  if (head.fields != nullptr) {
    for (const auto& [name, value] : *head.fields) {
      append_field_text(out, name);
      out += ": ";
      append_field_text(out, value);
      out += "\r\n";
    }
  }
  out += head.persistence == Persistence::close ? "Connection: close\r\n" : head.keep_alive;
  if (head.persistence == Persistence::keep_alive_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

std::string problem_json(int status, std::string_view detail) {
  std::string out = R"({"type":"about:blank","title":")";
  out += status_text(status);
  out += R"(","status":)";
  append_number(out, static_cast<std::size_t>(status));
  out += R"(,"detail":")";
  append_json_text(out, detail);
  out += "\"}";
  return out;
}

}  // namespace postoffice::http
