// A time limit that starts anew with every answer.
#pragma once

#include <chrono>
#include <cstdint>

// After a header of the standard library: see connection.hpp.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

namespace postoffice::postgres {

/// Its timer is reset only when it fires too early, or would fire too late.
class MovingDeadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit MovingDeadline(asio::io_context& context) : timer_(context) {}

  /// True if the timer is to be armed.
  bool move(std::chrono::milliseconds span) {
    deadline_ = Clock::now() + span;
    return deadline_ < armed_;
  }

  /// The handler gets the error of the wait and gives `number`, which this returns, to fired().
  std::uint64_t arm() {
    armed_ = deadline_;
    timer_.expires_at(deadline_);
    return ++number_;
  }
  asio::steady_timer& timer() { return timer_; }

  enum class Fired { stale, early, due };
  Fired fired(std::uint64_t number) {
    if (number != number_) return Fired::stale;
    armed_ = Clock::time_point::max();
    return Clock::now() < deadline_ ? Fired::early : Fired::due;
  }

 private:
  asio::steady_timer timer_;
  std::uint64_t number_ = 0;
  Clock::time_point deadline_;
  Clock::time_point armed_ = Clock::time_point::max();
};

}  // namespace postoffice::postgres
