// Reads the pages of a daemon for one look at it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include "commands/top/sample.hpp"
#include "exit_code.hpp"
#include "support/http_exchange.hpp"

namespace postofficed::top {

/// Where to look.
struct Target {
  std::string address;
  std::string token;  ///< empty: none
};

/// Both pages at once, without blocking.
class Look {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Look(const Target& target);

  /// What poll() should wait for, besides deadline().
  std::vector<pollfd> waits_for() const;
  Clock::time_point deadline() const { return begun_ + patience; }

  /// After poll(). True once it has ended.
  bool advance();

  Clock::time_point begun() const { return begun_; }
  /// When it has ended: what was seen, or why nothing was.
  Result<Sample> take() const;

 private:
  static constexpr std::chrono::seconds patience{3};

  const Clock::time_point begun_ = Clock::now();
  HttpExchange status_;
  HttpExchange health_;
  const std::string address_;
};

/// Waits for one.
Result<Sample> look_at(const Target& target);

}  // namespace postofficed::top
