#include "admin/access.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "admin/pages.hpp"

namespace postofficed {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

postoffice::HttpResponse no_token(const std::string& detail) {
  auto response = problem_response(401, detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"postofficed\"");
  return response;
}

}  // namespace

std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    return lower(authority.substr(1, authority.find(']') - 1));
  }
  auto host = authority.substr(0, authority.rfind(':'));
  if (host.ends_with('.')) host.remove_suffix(1);  // a complete name, as the DNS writes it
  return lower(host);
}

bool is_loopback(std::string_view host) {
  const std::string text = lower(host);
  if (text == "localhost") return true;
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six{};
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six) != 0;
}

// https, because a proxy in front may speak it.
bool is_own_origin(std::string_view origin, std::string_view authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && !authority.empty() &&
        lower(origin.substr(scheme.size())) == lower(authority))
      return true;
  }
  return false;
}

bool equal_in_constant_time(std::string_view given, std::string_view secret) {
  if (secret.empty()) return false;
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return difference == 0;
}

Access::Access(Rules rules, std::string token)
    : rules_(std::move(rules)), token_(std::move(token)) {}

void Access::set_token(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

std::optional<postoffice::HttpResponse> Access::refuse(const postoffice::HttpRequest& request,
                                                       bool changes) const {
  const auto authority = header_value(request, "host").value_or("");
  if (rules_.loopback && !authority.empty() && !knows_host(host_of(authority))) {
    return problem_response(421, "this listener is for this machine only, and \"" + authority +
                                     "\" is not a name of it: use localhost");
  }
  const auto origin = header_value(request, "origin");
  if (origin && !is_own_origin(*origin, authority)) {
    return problem_response(403, "pages of " + *origin + " may not use this listener");
  }
  if (!needs_token(request, changes)) return std::nullopt;
  return check_token(header_value(request, "authorization"));
}

bool Access::knows_host(std::string_view host) const {
  return is_loopback(host) || (!rules_.host.empty() && host == lower(rules_.host));
}

bool Access::needs_token(const postoffice::HttpRequest& request, bool changes) const {
  if (!rules_.token_for_all) return changes;
  return request.path != "/livez" && request.path != "/readyz" && request.path != "/";
}

std::optional<postoffice::HttpResponse> Access::check_token(
    const std::optional<std::string>& authorization) const {
  constexpr std::string_view scheme = "bearer ";
  const std::lock_guard lock(mutex_);
  if (token_.empty()) {
    return problem_response(403,
                            "this daemon has no token, so nothing can be changed here: give "
                            "it --admin-token-file");
  }
  const std::string_view given = authorization ? std::string_view(*authorization) : "";
  if (lower(given.substr(0, scheme.size())) != scheme) {
    return no_token(rules_.token_for_all
                        ? "this needs \"Authorization: Bearer TOKEN\", the token of "
                          "--admin-token-file"
                        : "this needs \"Authorization: Bearer TOKEN\", the token in the file "
                          "admin-token of the data directory");
  }
  if (equal_in_constant_time(given.substr(scheme.size()), token_)) return std::nullopt;
  return no_token("the token is not the one of this daemon");
}

}  // namespace postofficed
