// Who may use the admin listener of this daemon, and how commands find it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/access.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/log.hpp"
#include "support/admin_files.hpp"

namespace postofficed {

/// Whether only this machine can reach `listen`, or, if any are given, the listening `sockets`. A
/// name that cannot be resolved counts as this machine: listening on it fails anyway.
bool reached_from_here_only(const std::string& listen, const std::vector<int>& sockets);

/// An address at which this machine reaches a listener: 127.0.0.1 for one on all addresses.
std::string reachable(const std::string& listen, std::uint16_t port);

/// Whether the token file, if one is named, holds a token; and whether other machines are let in
/// without one only if the options say so. Fails with ExitCode::configuration.
Failure check_admin(const Options& options, const std::vector<int>& sockets);

class AdminAccess {
 public:
  /// With options that check_admin() has passed. Becomes the daemon of the data directory if there
  /// is one; if that fails, the log says what cannot be done.
  AdminAccess(const Options& options, const std::vector<int>& sockets, const postoffice::Log& log);

  const Access& access() const { return *access_; }

  /// Tells commands where the pages are.
  void announce(std::uint16_t port);

  /// Reads the token file again, if there is one. After a failure the token stays. Any thread.
  Failure reload();

 private:
  void warn(const Failure& failure) const;

  const Options& options_;
  const postoffice::Log& log_;
  std::optional<AdminFiles> files_;  // of the data directory, if this is its daemon
  std::string own_token_;            // for the file admin-token
  std::optional<Access> access_;
};

}  // namespace postofficed
