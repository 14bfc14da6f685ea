// One HTTP request, blocking.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace postoffice::testing {

struct HttpAnswer {
  int status = 0;  ///< 0: none
  std::string head;
  std::string body;

  /// The value of a header, by its name as the server spells it.
  std::string header(const std::string& name) const {
    const auto place = head.find("\r\n" + name + ": ");
    if (place == std::string::npos) return {};
    const auto begin = place + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

inline HttpAnswer http_call(std::uint16_t port, const std::string& method,
                            const std::string& target, const std::string& body = {}) {
  const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = method + " " + target +
                                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                "Content-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body;
    send(peer, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    for (ssize_t count; (count = recv(peer, buffer, sizeof buffer, 0)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
  }
  close(peer);
  HttpAnswer answer;
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos || text.rfind("HTTP/1.1 ", 0) != 0) return answer;
  answer.status = std::atoi(text.c_str() + 9);
  answer.head = text.substr(0, end + 2);
  answer.body = text.substr(end + 4);
  return answer;
}

inline HttpAnswer http_get(std::uint16_t port, const std::string& target) {
  return http_call(port, "GET", target);
}

}  // namespace postoffice::testing
