// When a connection begins its next session.
#pragma once

#include <chrono>
#include <random>
#include <utility>

#include "base/backoff.hpp"
#include "postgres/failure.hpp"

namespace postoffice::postgres {

/// After a session that worked the first attempt comes at once, and what is asked meanwhile waits
/// for it. Each failure after that doubles the pause, and what is asked fails at once. (Which host
/// is tried is HostList's matter.)
///
/// Knows no socket and no clock. Threads: none of its own.
class ReconnectPlan {
 public:
  using Span = std::chrono::milliseconds;

  static constexpr Span first_pause{100};

  ReconnectPlan(Span pause_max, std::uint_fast32_t seed)
      : pause_(first_pause, pause_max), random_(seed) {}

  /// Something was asked and answered.
  void worked() { failures_ = 0; }
  /// A session can be asked.
  void opened() { failure_ = {}; }
  /// An attempt goes on for so long that those who ask are told.
  void still_opening(Failure failure) { failure_ = std::move(failure); }

  /// Whether the attempt behind a session, which was `ready` or still opening, comes at once.
  bool at_once(bool ready) const { return ready && failures_ == 0; }
  /// That session has ended. Returns the pause before the next attempt.
  Span ended(bool at_once, Failure failure) {
    failure_ = at_once ? Failure{} : std::move(failure);
    const Span full = pause_.after(failures_++);
    return at_once ? Span(0) : pause_.spread(full / 2, full, random_);
  }

  /// Why nothing can be asked: of the attempts since the last success.
  const Failure& failure() const { return failure_; }

 private:
  const Backoff<Span> pause_;
  int failures_ = 0;  // in a row
  Failure failure_;
  std::minstd_rand random_;
};

}  // namespace postoffice::postgres
