// Senders that send as fast as they are answered.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "exit_code.hpp"
#include "load/latencies.hpp"

namespace postofficed::load {

struct Load {
  std::uint16_t port = 0;  ///< on 127.0.0.1
  std::size_t connections = 1;
  std::chrono::milliseconds duration{1'000};
  /// Called for each request. Empty: nothing to send at the moment. What it returns must stay until
  /// it is called again.
  std::function<std::string_view()> next;
  /// Called every some milliseconds, with the part of the time that is over. False: stop now.
  std::function<bool(double share)> go_on;
};

struct LoadResult {
  std::uint64_t accepted = 0;  ///< 2xx
  std::uint64_t refused = 0;   ///< any other status
  std::uint64_t failed = 0;    ///< connections that broke
  double seconds = 0;
  double processor_seconds = 0;  ///< of this side
  Latencies latencies{};         ///< of those accepted

  double per_second() const { return seconds > 0 ? static_cast<double>(accepted) / seconds : 0; }
};

/// Runs on the calling thread. One request at a time on each connection. Fails if no connection can
/// be made at the beginning.
Result<LoadResult> run_load(const Load& load);

}  // namespace postofficed::load
