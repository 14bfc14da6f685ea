#include "net/listening_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/error.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "base/last_error.hpp"

namespace postoffice::net {
namespace {

constexpr int backlog = 4096;
constexpr int port_attempts_max = 16;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = AF_UNSPEC;

  void set_port(std::uint16_t port) {
    if (family == AF_INET) reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
    if (family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
  }
};

std::error_code resolve(const std::string& host, std::vector<Address>& addresses) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), "0", &hints, &found);
  if (failure == EAI_SYSTEM) return last_error();
  if (failure != 0) return asio::error::host_not_found;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.family = entry->ai_family;
    bool known = false;
    for (const Address& other : addresses) {
      known = known || (other.size == address.size &&
                        std::memcmp(&other.storage, &address.storage, address.size) == 0);
    }
    if (!known) addresses.push_back(address);
  }
  return {};
}

std::error_code bind_to(const Address& address, bool reuse_port, ListeningSocket& bound) {
  ListeningSocket socket(
      ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (socket.descriptor() < 0) return last_error();
  const int on = 1;
  const int fd = socket.descriptor();
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    return last_error();
  }
  bound = std::move(socket);
  return {};
}

bool is_missing_family(std::error_code error) {
  return error == std::errc::address_family_not_supported ||
         error == std::errc::address_not_available || error == std::errc::protocol_not_supported;
}

// One listening socket on `address` for each group. Sockets that share a port would also share it
// with another process of this user, so the port is first tried without sharing.
std::error_code listen_at(Address address, std::vector<std::vector<ListeningSocket>>& sockets,
                          std::uint16_t& port) {
  const bool shared = sockets.size() > 1;
  address.set_port(port);
  if (shared) {
    ListeningSocket attempt;
    if (const auto error = bind_to(address, false, attempt)) return error;
    if (::listen(attempt.descriptor(), 1) != 0) return last_error();
    port = port_of(attempt);
    address.set_port(port);
  }
  for (auto& group : sockets) {
    ListeningSocket socket;
    if (const auto error = bind_to(address, shared, socket)) return error;
    if (::listen(socket.descriptor(), backlog) != 0) return last_error();
    if (port == 0) port = port_of(socket);
    address.set_port(port);
    group.push_back(std::move(socket));
  }
  return {};
}

std::error_code listen_at_all(const std::vector<Address>& addresses, std::uint16_t port,
                              const Log& log, std::vector<std::vector<ListeningSocket>>& sockets) {
  std::error_code skipped;
  for (const Address& address : addresses) {
    const auto error = listen_at(address, sockets, port);
    if (!error) continue;
    if (!is_missing_family(error)) return error;
    skipped = error;
    if (log) {
      const std::string family = address.family == AF_INET6 ? "IPv6" : "IPv4";
      log(LogLevel::info, "not listening on " + family + ": " + error.message());
    }
  }
  return sockets.front().empty() ? skipped : std::error_code{};
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

HostPort where_to_listen(const std::string& text) {
  auto parsed = parse_host_port(text);
  if (!parsed) throw std::invalid_argument("not host:port: \"" + text + "\"");
  return *std::move(parsed);
}

std::error_code listen_on(const HostPort& where, std::size_t groups, const Log& log,
                          std::vector<std::vector<ListeningSocket>>& sockets) {
  std::vector<Address> addresses;
  if (const auto error = resolve(where.host, addresses)) return error;
  std::error_code error;
  // A port that is free on the first address may be taken on the second; then another one is tried.
  for (int attempt = 0; attempt < port_attempts_max; ++attempt) {
    sockets.clear();
    sockets.resize(groups);
    error = listen_at_all(addresses, where.port, log, sockets);
    if (where.port != 0 || error != std::errc::address_in_use) break;
  }
  if (error) sockets.clear();
  return error;
}

std::error_code share_sockets(std::vector<ListeningSocket> given, std::size_t groups,
                              std::vector<std::vector<ListeningSocket>>& sockets) {
  sockets.clear();
  sockets.resize(groups);
  for (auto& socket : given) {
    const int fd = socket.descriptor();
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return last_error();
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    socket.set_outlives_us();
    for (std::size_t group = 1; group < groups; ++group) {
      ListeningSocket copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      if (copy.descriptor() < 0) return last_error();
      copy.set_outlives_us();
      sockets[group].push_back(std::move(copy));
    }
    sockets[0].push_back(std::move(socket));
  }
  return {};
}

std::uint16_t port_of(const ListeningSocket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return 0;
}

}  // namespace postoffice::net
