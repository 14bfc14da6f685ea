// The address of a source, parsed once.
#pragma once

#include <cstdint>
#include <string>

namespace postoffice::http {

struct SourceUrl {
  std::string host;  ///< without the brackets of an IPv6 literal
  std::uint16_t port = 80;
  std::string
      host_header;  ///< for the Host header: with brackets, and with the port if it is not 80
  std::string target_prefix;  ///< the part of the request target before the id
  std::string target_suffix;  ///< and after it
};

/// Throws std::invalid_argument with a reason for people if no request can be made from `url`.
SourceUrl parse_source_url(const std::string& url);

}  // namespace postoffice::http
