// Listening sockets that the service manager opened (socket activation).
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
/// names it after its unit when the unit does not) is callback. Fails with
/// ExitCode::configuration if a name is not known or a descriptor is not a listening socket.
Result<PassedSockets> take_passed_sockets(const Environment& environment, int first = 3);

}  // namespace postofficed
