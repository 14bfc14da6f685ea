// Who may ask the admin listener for what.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/server/http_server.hpp"

namespace postofficed {

/// The host of "name:9091" or "[::1]:9091", in lower case, without brackets and port.
std::string host_of(std::string_view authority);

/// Whether a name or an address in text leads to this machine only: localhost, 127.0.0.0/8, ::1.
bool is_loopback(std::string_view host);

/// Whether the text of a page at `origin` came from this listener, which was asked as `authority`.
bool is_own_origin(std::string_view origin, std::string_view authority);

/// Takes a time that depends on the length of `given` only.
bool equal_in_constant_time(std::string_view given, std::string_view secret);

/// The rules, for every request:
/// * While only this machine can reach the listener, the Host must name this machine. A page on
///   another site whose name was made to lead here (DNS rebinding) gets nothing.
/// * An Origin must be this listener: pages of other sites get nothing and change nothing.
/// * What changes something needs the token. With `token_for_all` so does what is read, apart from
///   /livez and /readyz (for load balancers), and the page at / (it has no figures of its own).
///
/// Threads: all methods from any thread.
class Access {
 public:
  struct Rules {
    bool loopback = true;  ///< only this machine can reach the listener
    std::string host{};    ///< a name in --admin-listen, taken as Host, too
    bool token_for_all = false;
  };

  /// With an empty token nothing can be changed.
  Access(Rules rules, std::string token);

  void set_token(std::string token);

  /// The answer to a request that is refused. `changes`: the request would change something.
  std::optional<postoffice::HttpResponse> refuse(const postoffice::HttpRequest& request,
                                                 bool changes) const;

 private:
  bool knows_host(std::string_view host) const;
  bool needs_token(const postoffice::HttpRequest& request, bool changes) const;
  std::optional<postoffice::HttpResponse> check_token(
      const std::optional<std::string>& authorization) const;

  const Rules rules_;
  mutable std::mutex mutex_;
  std::string token_;  // guarded by it
};

}  // namespace postofficed
