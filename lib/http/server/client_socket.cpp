#include "http/server/client_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace postoffice::http {
namespace {

constexpr std::uint32_t reading_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

ClientSocket::ClientSocket(int descriptor, net::Poller& poller, net::Pollable& owner)
    : descriptor_(descriptor), interest_(reading_events), poller_(poller), owner_(owner) {}

void ClientSocket::wait_for(bool input, bool output) {
  std::uint32_t wanted = input ? reading_events : std::uint32_t{EPOLLET};
  if (output) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  poller_.modify(descriptor_, wanted, owner_);
}

ClientSocket::Read ClientSocket::read(std::span<char> buffer, std::string_view& bytes) const {
  const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (count > 0) {
    bytes = {buffer.data(), static_cast<std::size_t>(count)};
    return Read::bytes;
  }
  if (count == 0) return Read::end;
  const bool would_block = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return would_block ? Read::nothing : Read::failed;
}

void ClientSocket::acknowledge_at_once() const {
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void ClientSocket::end_output() const { ::shutdown(descriptor_, SHUT_WR); }

void ClientSocket::close() {
  // Closing alone does not end its events while a process forked from this one holds it, too.
  poller_.remove(descriptor_);
  ::close(descriptor_);
}

}  // namespace postoffice::http
