#include "daemon/listening.hpp"

namespace postofficed {

std::string with_port(const std::string& address, std::uint16_t port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

namespace {

// What stays as it is until somebody changes the address or the machine: a port below 1024 without
// the right to it, IPv6 on a machine without.
bool never_heals(const std::error_code& error) {
  return error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
         error == std::errc::address_family_not_supported ||
         error == std::errc::protocol_not_supported;
}

}  // namespace

// Whatever else it is may be over in a moment, and a service manager should try again: the program
// that had the port ends, the name resolves, the interface gets its address.
Failure cannot_listen(const std::string& option, const std::string& address,
                      const std::error_code& error) {
  return {never_heals(error) ? ExitCode::configuration : ExitCode::unavailable,
          option + ": cannot listen on " + address + ": " + error.message()};
}

}  // namespace postofficed
