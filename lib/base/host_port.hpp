// A host and a port, as people write them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace postoffice {

struct HostPort {
  std::string host;  ///< without brackets; empty for every address of this machine
  std::uint16_t port = 0;
};

/// Reads "host:port", "1.2.3.4:80", "[::1]:80", ":80" and "*:80". A port is digits only; an IPv6
/// address without brackets is refused, since its last part could be a port as well.
inline std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostPort parsed;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, parsed.port);
  if (error != std::errc{} || stop != end) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.find_first_of(" /@") != std::string_view::npos) return std::nullopt;
  if (host != "*") parsed.host = host;
  return parsed;
}

}  // namespace postoffice
