// The parts of a request target.
#pragma once

#include <string_view>

namespace postoffice::http {

struct Target {
  std::string_view path;
  std::string_view query;  ///< behind the '?'
};

/// Takes "/path?query" and the absolute form "http://host/path?query", which servers must accept.
inline Target split_target(std::string_view target) {
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return {target, {}};
    const std::size_t rest = target.find_first_of("/?", scheme + 3);
    target = rest == std::string_view::npos ? std::string_view("/") : target.substr(rest);
    if (target.starts_with('?')) return {"/", target.substr(1)};
  }
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return {target, {}};
  return {target.substr(0, question), target.substr(question + 1)};
}

}  // namespace postoffice::http
