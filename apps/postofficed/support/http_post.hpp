// One HTTP request to a daemon on this machine.
#pragma once

#include <chrono>
#include <string>

namespace postofficed {

struct PostResult {
  int status = 0;       ///< 0: no answer
  std::string problem;  ///< why there is none, or the body of a refusal
};

/// POSTs `body` to http://`address``path`, blocking, on a connection of its own.
PostResult http_post(const std::string& address, const std::string& path, const std::string& body,
                     std::chrono::seconds timeout);

}  // namespace postofficed
