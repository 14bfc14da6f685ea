// The servers of a conninfo that are still to be tried.
#pragma once

#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace postoffice::postgres {

/// As in a conninfo; libpq chooses what is empty.
struct Host {
  std::string host;     ///< a name, an address or the directory of a socket
  std::string address;  ///< hostaddr
  std::string port;

  bool operator==(const Host&) const = default;

  /// "host:port", for messages.
  std::string text() const;
};

/// The hosts, in their order.
class HostList {
 public:
  /// Out of `list`: host, hostaddr and port, each separated by commas.
  explicit HostList(const ConnectList& list);

  bool empty() const { return hosts_.empty(); }

  /// Puts the remaining hosts into `list`.
  void put_into(ConnectList& list) const;

  /// The host to which `tried` belongs (host or address, and port, as libpq gives them) keeps the
  /// `others` of its addresses; without any, or if it was given one address (hostaddr), it is
  /// removed.
  void leave_out(const Host& tried, const std::vector<std::string>& others);

  /// "a:5432, b:5433"
  std::string text() const;

 private:
  std::vector<Host> hosts_;
};

}  // namespace postoffice::postgres
