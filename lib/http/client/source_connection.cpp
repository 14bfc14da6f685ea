#include "http/client/source_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/error.hpp>
#include <cerrno>

namespace postoffice::http {
namespace {

std::error_code last_error() { return {errno, asio::error::get_system_category()}; }

}  // namespace

std::error_code SourceConnection::connect(net::Poller& poller) {
  const int family = endpoint_.protocol().family();
  socket_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (socket_ < 0) return last_error();
  const auto size = static_cast<socklen_t>(endpoint_.size());
  if (::connect(socket_, endpoint_.data(), size) != 0 && errno != EINPROGRESS) return last_error();
  return poller.add(socket_, EPOLLOUT, *this);
}

std::error_code SourceConnection::establish(net::Poller& poller) {
  int result = 0;
  socklen_t size = sizeof result;
  if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &result, &size) != 0) return last_error();
  if (result != 0) return {result, asio::error::get_system_category()};
  // Without a listener, TCP may connect a port of the local range to itself.
  Endpoint local;
  size = static_cast<socklen_t>(local.capacity());
  if (::getsockname(socket_, local.data(), &size) != 0) return last_error();
  if (local == endpoint_) {
    // An orderly close would hold the source's own port in TIME-WAIT; a reset does not.
    const linger reset{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return asio::error::connection_refused;
  }
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  poller.modify(socket_, EPOLLIN, *this);
  return {};
}

std::error_code SourceConnection::send(std::string_view bytes) {
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) return last_error();
  // A request is far smaller than an empty send buffer; a connection that cannot take it is broken.
  if (static_cast<std::size_t>(sent) != bytes.size()) return asio::error::no_buffer_space;
  return {};
}

std::size_t SourceConnection::read(std::span<char> buffer, std::error_code& error) {
  const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (size > 0) return static_cast<std::size_t>(size);
  error = size == 0 ? std::error_code(asio::error::eof) : last_error();
  return 0;
}

void SourceConnection::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace postoffice::http
