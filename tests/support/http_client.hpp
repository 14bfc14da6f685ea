// A blocking HTTP client on a raw socket: sends any bytes, reads responses one by one.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace test {

struct Response {
  int status = 0;                             ///< 0: the connection ended instead
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;
};

/// Every wait ends after 10 s with an exception, so that no test hangs.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, const char* address = "127.0.0.1") {
    const bool six = std::string_view(address).find(':') != std::string_view::npos;
    socket_ = ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(port);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(six ? AF_INET6 : AF_INET, address,
                six ? static_cast<void*>(&to6.sin6_addr) : &to.sin_addr);
    const auto* name = six ? reinterpret_cast<sockaddr*>(&to6) : reinterpret_cast<sockaddr*>(&to);
    if (::connect(socket_, name, six ? sizeof to6 : sizeof to) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~HttpClient() { ::close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// False if the server would not take all of it.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// No more requests, but responses are still read.
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  /// The next response. `to_head`: it has no body, whatever its Content-Length.
  Response read(bool to_head = false) {
    Response response;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return response;
    }
    parse_head(buffer_.substr(0, end + 2), response);
    buffer_.erase(0, end + 4);
    const auto length = response.fields.find("content-length");
    if (length == response.fields.end() || to_head) return response;
    const std::size_t size = std::strtoull(length->second.c_str(), nullptr, 10);
    while (buffer_.size() < size) {
      if (!receive()) throw std::runtime_error("the body ends too early");
    }
    response.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return response;
  }

  Response exchange(std::string_view request) {
    send(request);
    return read();
  }

  /// All that comes until the server ends the connection.
  std::string read_to_end() {
    while (receive()) continue;
    return std::exchange(buffer_, {});
  }

  /// Whether the server ends the connection, with nothing more to read.
  bool ended() { return buffer_.empty() && !receive(); }

  /// Whether that end was an error, which on other systems might have cost the last response.
  bool was_reset() const { return reset_; }

  /// Whether something can be read within the time.
  bool readable(std::chrono::milliseconds within) {
    pollfd wait{socket_, POLLIN, 0};
    return !buffer_.empty() || ::poll(&wait, 1, static_cast<int>(within.count())) > 0;
  }

 private:
  bool receive() {
    if (pollfd wait{socket_, POLLIN, 0}; ::poll(&wait, 1, 10'000) <= 0) {
      throw std::runtime_error("nothing came in 10 s");
    }
    char bytes[16 * 1024];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    reset_ = count < 0;
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  static void parse_head(const std::string& head, Response& response) {
    response.status = std::atoi(head.c_str() + head.find(' '));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
      const std::size_t end = head.find("\r\n", at);
      const std::size_t colon = head.find(':', at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      response.fields[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
  }

  int socket_;
  bool reset_ = false;
  std::string buffer_;
};

/// A callback as senders send it.
inline std::string callback(std::string_view body, std::string_view fields = {}) {
  std::string text = "POST /callback HTTP/1.1\r\nHost: localhost\r\n";
  text += fields;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  return text;
}

}  // namespace test
