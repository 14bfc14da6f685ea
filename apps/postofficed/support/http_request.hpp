// One HTTP request to a daemon.
#pragma once

#include <chrono>
#include <string>

namespace postofficed {

struct HttpQuestion {
  std::string method = "GET";
  std::string target;
  std::string token{};  ///< sent as a bearer token, if there is one
  std::string body{};   ///< JSON
};

struct HttpAnswer {
  int status = 0;    ///< 0: no answer
  std::string body;  ///< or why there is no answer
};

/// Asks http://`address`, blocking, on a connection of its own. `timeout` is for each step.
HttpAnswer http_request(const std::string& address, const HttpQuestion& question,
                        std::chrono::seconds timeout);

}  // namespace postofficed
