// What `validate --online` tries: one function for each neighbour, one file each. Nothing is
// changed.
#pragma once

#include <string>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

struct Trial {
  enum class Result {
    ok,
    warning,      ///< it works, but somebody should know
    unreachable,  ///< a neighbour that cannot be had now (exit code 69)
    wrong,        ///< no neighbour can mend it: the configuration must change (78)
  };
  std::string part;   ///< "listen", "source", …
  std::string tried;  ///< "connect to 127.0.0.1:9010"
  Result result = Result::ok;
  std::string found;
  std::string next{};  ///< what to do about it
};

/// Listens on the address for a moment.
Trial try_listening(const std::string& option, const std::string& address);

/// Resolves the host, connects, and awaits an HTTP answer to a request that names no object.
Trial try_source(const std::string& url);

/// Connects, and asks for version, rights and settings that decide what a commit is worth.
Trial try_store(const Options& options);

/// Connects and logs in.
Trial try_broker(const Options& options);

/// Writes a file and removes it; looks for room, what is mounted there, and who holds the lock.
std::vector<Trial> try_data_directory(const Options& options);

}  // namespace postofficed
