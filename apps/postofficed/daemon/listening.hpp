// Messages about the addresses that the daemon listens on.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include "exit_code.hpp"

namespace postofficed {

/// `address` as configured, with the port that the system chose if it was 0.
std::string with_port(const std::string& address, std::uint16_t port);

/// `option` is the one that names `address`. ExitCode::configuration if waiting cannot help, else
/// ExitCode::unavailable.
Failure cannot_listen(const std::string& option, const std::string& address,
                      const std::error_code& error);

}  // namespace postofficed
