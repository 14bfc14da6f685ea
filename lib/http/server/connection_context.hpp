// State shared by the connections of one loop.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "http/server/recent_heads.hpp"
#include "http/server/response_text.hpp"
#include "http/server/send_buffers.hpp"
#include "http/server/service.hpp"
#include "net/poller.hpp"

namespace postoffice::http {

/// All that a connection knows of its loop. The loop owns this. A connection puts itself on the two
/// lists; the loop goes through them at the end of each batch of events.
///
/// Threads: the loop's.
struct ConnectionContext {
  using Time = std::chrono::steady_clock::time_point;

  Service& service;
  const ServerLimits& limits;
  ServerTotals& totals;
  net::Poller& poller;
  const std::string keep_alive;  ///< the field that tells clients how long a connection stays open
  Time now;                      ///< when this batch began

  std::vector<char> buffer{std::vector<char>(64 * 1024)};  ///< for one read
  RecentHeads recent_heads{};
  SendBuffers send_buffers{};
  DateField date{};

  std::vector<Connection*>
      to_flush{};                     ///< connections with something to send, or to resume reading
  std::vector<Connection*> closed{};  ///< to be deleted
};

}  // namespace postoffice::http
