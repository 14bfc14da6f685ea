// The servers that a conninfo names, and those of them that are left.
#pragma once

#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace postoffice::postgres {

/// As in a conninfo; what is empty is libpq's to choose.
struct Host {
  std::string host;     ///< a name, an address or the directory of a socket
  std::string address;  ///< hostaddr
  std::string port;

  bool operator==(const Host&) const = default;

  /// "host:port", for messages.
  std::string text() const;
};

/// Host after host, in their order.
class HostList {
 public:
  /// Out of `list`: host, hostaddr and port, each separated by commas.
  explicit HostList(const ConnectList& list);

  bool empty() const { return hosts_.empty(); }

  /// Puts what is left into `list`.
  void put_into(ConnectList& list) const;

  /// The host to which `tried` belongs (host or address, and port, as libpq tells them) takes the
  /// `others` of its addresses; with none, or one address of its own (hostaddr), it is gone.
  void leave_out(const Host& tried, const std::vector<std::string>& others);

  /// "a:5432, b:5433"
  std::string text() const;

 private:
  std::vector<Host> hosts_;
};

}  // namespace postoffice::postgres
