// A port for a program that must be told one.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

namespace postoffice::testing {

/// A port that nobody listens on. Below those that the system gives away, and of this process's own
/// share, so that no other test takes it before the program does.
inline std::uint16_t free_port() {
  static int next = 10'000 + getpid() % 1'000 * 20;
  while (true) {
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(++next));
    const bool good = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (good) return static_cast<std::uint16_t>(next);
  }
}

}  // namespace postoffice::testing
