// One HTTP request, blocking.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "support/http_client.hpp"

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

/// `fields`: header fields with their line ends; the first is the Host.
inline HttpAnswer http_call(std::uint16_t port, const std::string& method,
                            const std::string& target, const std::string& body = {},
                            const std::string& fields = "Host: localhost\r\n") {
  std::string text;
  try {
    test::HttpClient client(port);
    client.send(method + " " + target + " HTTP/1.1\r\n" + fields +
                "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
    text = client.read_to_end();
  } catch (const std::runtime_error&) {
    return {};
  }
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
