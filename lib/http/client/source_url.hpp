// The address of a source, taken apart once.
#pragma once

#include <cstdint>
#include <string>

namespace postoffice::http {

struct SourceUrl {
  std::string host;  ///< without the brackets of an IPv6 literal
  std::uint16_t port = 80;
  std::string host_header;    ///< as the Host header wants it: brackets, and the port if not 80
  std::string target_prefix;  ///< what stands before the id in the request target
  std::string target_suffix;  ///< and behind it
};

/// Throws std::invalid_argument with a reason for people if no request can be made from `url`.
SourceUrl parse_source_url(const std::string& url);

}  // namespace postoffice::http
