#include "daemon/passed_sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "options/values.hpp"

namespace postofficed {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const auto colon = text.find(':', begin);
    parts.push_back(text.substr(begin, colon - begin));
    if (colon == std::string::npos) return parts;
    begin = colon + 1;
  }
}

bool is_listening(int descriptor) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

}  // namespace

Result<PassedSockets> take_passed_sockets(const Environment& environment, int first) {
  PassedSockets sockets;
  const auto process = environment("LISTEN_PID");
  const auto amount = environment("LISTEN_FDS");
  // Child processes inherit the variables, but the sockets are not meant for them.
  if (!process || !amount || *process != std::to_string(getpid())) return sockets;
  const auto count = parse_count(*amount);
  if (!count || *count > 1'024)
    return misconfigured("LISTEN_FDS: \"" + *amount + "\" is not a number of sockets");
  auto names = split(environment("LISTEN_FDNAMES").value_or(""));
  names.resize(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    const int descriptor = first + static_cast<int>(i);
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    if (!is_listening(descriptor))
      return misconfigured("LISTEN_FDS: descriptor " + std::to_string(descriptor) +
                           " is not a listening socket");
    if (names[i] == "admin") {
      sockets.admin.push_back(descriptor);
    } else if (names[i] == "callback" || *count == 1) {
      sockets.callback.push_back(descriptor);
    } else {
      return misconfigured("LISTEN_FDNAMES: \"" + names[i] + "\" is neither callback nor admin");
    }
  }
  return sockets;
}

}  // namespace postofficed
