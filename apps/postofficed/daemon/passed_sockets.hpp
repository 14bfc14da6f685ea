// Listening sockets that the service manager opened for us (socket activation).
#pragma once

#include <string>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

struct PassedSockets {
  std::vector<int> callback;
  std::vector<int> admin;
};

/// Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES as systemd sets them; the sockets are numbered
/// from `first` on. Sockets are named callback or admin; a single one with any other name (systemd
/// names it after its unit when the unit does not) is callback. False with a `problem` if the
/// names make no sense or one is no listening socket.
bool take_passed_sockets(const Environment& environment, PassedSockets& sockets,
                         std::string& problem, int first = 3);

}  // namespace postofficed
