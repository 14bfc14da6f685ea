#include "support/http_request.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/host_port.hpp"
#include "exit_code.hpp"

namespace postofficed {
namespace {

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<Socket> connect_to(const postoffice::HostPort& address, std::chrono::seconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const auto port = std::to_string(address.port);
  if (const int code = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &list)) {
    return Failure(ExitCode::unavailable, gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &freeaddrinfo);
  const timeval limit{timeout.count(), 0};
  Failure failure(ExitCode::unavailable);
  for (const addrinfo* one = list; one; one = one->ai_next) {
    Socket peer(socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    if (peer.get() < 0) continue;
    setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(peer.get(), one->ai_addr, one->ai_addrlen) == 0) return peer;
    failure.message = std::strerror(errno);
  }
  return failure;
}

bool send_all(int peer, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const auto count = send(peer, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

// The daemon closes after answering, because the request asks it to.
bool receive_all(int peer, std::string& text) {
  char buffer[4096];
  for (;;) {
    const auto count = recv(peer, buffer, sizeof buffer, 0);
    if (count <= 0) return count == 0;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

HttpAnswer http_request(const std::string& address, const HttpQuestion& question,
                        std::chrono::seconds timeout) {
  const auto target = postoffice::parse_host_port(address);
  if (!target || target->host.empty()) return {0, "no address: " + address};
  const auto peer = connect_to(*target, timeout);
  if (!peer) return {0, peer.error().message};
  std::string request = question.method + " " + question.target + " HTTP/1.1\r\nHost: " + address +
                        "\r\nConnection: close\r\n";
  if (!question.token.empty()) request += "Authorization: Bearer " + question.token + "\r\n";
  if (!question.body.empty()) {
    request += "Content-Type: application/json\r\nContent-Length: " +
               std::to_string(question.body.size()) + "\r\n";
  }
  request += "\r\n" + question.body;
  HttpAnswer result;
  std::string answer;
  const bool sent = send_all(peer->get(), request);
  if (!sent || !receive_all(peer->get(), answer)) result.body = std::strerror(errno);
  if (answer.compare(0, 9, "HTTP/1.1 ") != 0) {
    if (result.body.empty()) result.body = "the answer is not HTTP";
    return result;
  }
  result.status = std::atoi(answer.c_str() + 9);
  const auto content = answer.find("\r\n\r\n");
  if (content != std::string::npos) result.body = answer.substr(content + 4);
  return result;
}

}  // namespace postofficed
