#include "http/client/source_url.hpp"

#include <algorithm>
#include <asio/ip/address_v6.hpp>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace postoffice::http {
namespace {

constexpr std::string_view placeholder = "{id}";
constexpr std::size_t url_bytes_max = 4096;

// Without user, password and query, which may hold secrets.
std::string shown(const std::string& url) {
  const auto begin = std::min(url.find("://"), url.size());
  const auto at = url.rfind('@');
  if (at != std::string::npos && at > begin) return url.substr(0, begin) + "://...";
  const auto question = url.find('?');
  return question == std::string::npos ? url : url.substr(0, question) + "?...";
}

[[noreturn]] void fail(const std::string& url, const std::string& reason) {
  throw std::invalid_argument("source url '" + shown(url) + "': " + reason);
}

std::size_t skip_scheme(const std::string& url) {
  const auto end = url.find("://");
  if (end == std::string::npos) fail(url, "it must begin with http://");
  std::string scheme = url.substr(0, end);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (scheme == "https") fail(url, "https needs TLS, and TLS is not built in");
  if (scheme != "http") fail(url, "the scheme '" + scheme + "' is not known, only http");
  return end + 3;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '.' || c == '_';
  });
}

void parse_port(const std::string& url, std::string_view text, SourceUrl& parts) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), parts.port);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || parts.port == 0) {
    fail(url, "the port must be a number from 1 to 65535");
  }
}

void parse_authority(const std::string& url, std::string_view authority, SourceUrl& parts) {
  if (authority.find('@') != std::string_view::npos) fail(url, "user info is not supported");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) fail(url, "the '[' of the address is not closed");
    parts.host = authority.substr(1, end - 1);
    std::error_code error;
    asio::ip::make_address_v6(parts.host, error);
    if (error || parts.host.find('%') != std::string::npos) {
      fail(url, "this is not an IPv6 address: " + parts.host);
    }
    parts.host_header = authority.substr(0, end + 1);
    port = authority.substr(end + 1);
  } else {
    const auto end = std::min(authority.find(':'), authority.size());
    parts.host = authority.substr(0, end);
    if (!is_host_name(parts.host)) fail(url, "this is not a host name: " + parts.host);
    parts.host_header = parts.host;
    port = authority.substr(end);
  }
  if (port.empty()) return;
  if (!port.starts_with(':')) fail(url, "nothing but a port may follow the address");
  parse_port(url, port.substr(1), parts);
  if (parts.port != 80) parts.host_header.append(1, ':').append(std::to_string(parts.port));
}

void parse_target(const std::string& url, std::string target, SourceUrl& parts) {
  if (target.find('#') != std::string::npos) fail(url, "a fragment (#) has no meaning here");
  if (!target.starts_with('/')) target = std::string(1, '/').append(target);
  const auto place = target.find(placeholder);
  if (place == std::string::npos) fail(url, "the placeholder {id} is missing in path and query");
  parts.target_prefix = target.substr(0, place);
  parts.target_suffix = target.substr(place + placeholder.size());
  for (const auto* part : {&parts.target_prefix, &parts.target_suffix}) {
    if (part->find(placeholder) != std::string::npos) fail(url, "{id} may occur only once");
    for (const unsigned char c : *part) {
      // Anything else must be percent-encoded, or it could end the request line early.
      if (c <= ' ' || c >= 0x7f || std::string_view("\"<>\\^`{|}").find(c) != std::string::npos) {
        fail(url, "a character of path or query must be percent-encoded");
      }
    }
  }
}

}  // namespace

SourceUrl parse_source_url(const std::string& url) {
  if (url.size() > url_bytes_max) fail(url.substr(0, 64) + "...", "it is too long");
  const auto begin = skip_scheme(url);
  const auto end = std::min(url.find_first_of("/?#", begin), url.size());
  SourceUrl parts;
  parse_authority(url, std::string_view(url).substr(begin, end - begin), parts);
  parse_target(url, url.substr(end), parts);
  return parts;
}

}  // namespace postoffice::http
