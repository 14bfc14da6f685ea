// From "host:port" to listening sockets.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/host_port.hpp"
#include "postoffice/log.hpp"

namespace postoffice::net {

/// Owns a file descriptor that listens.
class ListeningSocket {
 public:
  explicit ListeningSocket(int descriptor = -1) : descriptor_(descriptor) {}
  ~ListeningSocket();
  ListeningSocket(ListeningSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), outlives_us_(other.outlives_us_) {}
  ListeningSocket& operator=(ListeningSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(outlives_us_, other.outlives_us_);
    return *this;
  }

  int descriptor() const { return descriptor_; }

  /// It was passed in by another process, where it stays open: connections not accepted here are
  /// left to the next process.
  bool outlives_us() const { return outlives_us_; }
  void set_outlives_us() { outlives_us_ = true; }

 private:
  int descriptor_;
  bool outlives_us_ = false;
};

/// An address to listen on. Throws std::invalid_argument if it is not one.
HostPort where_to_listen(const std::string& text);

/// `groups` sets of sockets, one for each loop, each listening on every address of the host. A
/// family that this machine does not have is skipped. Port 0 becomes one free port for all of them.
std::error_code listen_on(const HostPort& where, std::size_t groups, const Log& log,
                          std::vector<std::vector<ListeningSocket>>& sockets);

/// The same for sockets that already listen; they are owned from then on.
std::error_code share_sockets(std::vector<ListeningSocket> given, std::size_t groups,
                              std::vector<std::vector<ListeningSocket>>& sockets);

/// The port a socket is bound to; 0 if it has none.
std::uint16_t port_of(const ListeningSocket& socket);

}  // namespace postoffice::net
