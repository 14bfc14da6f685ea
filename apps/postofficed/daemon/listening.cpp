#include "daemon/listening.hpp"

namespace postofficed {

std::string with_port(const std::string& address, std::uint16_t port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

// 78 and not 69, which is for the one-shot commands: waiting does not free an address; one of the
// two programs must be configured differently.
Failure cannot_listen(const std::string& option, const std::string& address,
                      const std::error_code& error) {
  return {ExitCode::configuration,
          option + ": cannot listen on " + address + ": " + error.message()};
}

}  // namespace postofficed
