// Counts refused answers, and decides when to log them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "http/client/refusal.hpp"
#include "postoffice/types.hpp"

namespace postoffice::http {

/// A fault in every answer would fill the log; one that is never logged is found too late. So each
/// kind is logged the first time, and again if it was not seen for long. `only_refused()` says
/// separately whether any answer is accepted.
///
/// Threads: none of its own.
class RefusedAnswers {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Counts = std::array<std::uint64_t, refusals>;

  static constexpr std::chrono::minutes quiet_for_long{10};
  /// With this many in a row, and none accepted among them, the fault is not in a single object.
  static constexpr std::uint64_t run_that_tells = 8;
  /// After this long without answers, the last one says nothing about the present.
  static constexpr std::chrono::seconds stale{60};

  /// True if this one is to be logged.
  bool refused(Refusal refusal, std::string reason, ObjectId id, Time now) {
    const auto kind = static_cast<std::size_t>(refusal);
    const bool tell = counts_[kind] == 0 || now - last_[kind] >= quiet_for_long;
    ++counts_[kind];
    last_[kind] = newest_ = now;
    of_one_id_ = run_ == 0 || (of_one_id_ && id == id_);
    id_ = id;
    ++run_;
    newest_reason_ = std::move(reason);
    return tell;
  }

  /// An answer was accepted, "no such object" included.
  void taken() { run_ = 0; }

  const Counts& counts() const { return counts_; }
  std::uint64_t run() const { return run_; }
  Time newest() const { return newest_; }
  const std::string& newest_reason() const { return newest_reason_; }

  /// All recent answers were refused, and they were about several ids: one that is refused again
  /// and again says nothing about the others.
  bool only_refused(Time now) const {
    return run_ >= run_that_tells && !of_one_id_ && now - newest_ < stale;
  }

 private:
  Counts counts_{};
  std::array<Time, refusals> last_{};
  std::uint64_t run_ = 0;  // since one was accepted
  bool of_one_id_ = true;  // … all of them
  ObjectId id_ = 0;        // of the newest
  Time newest_{};
  std::string newest_reason_;
};

}  // namespace postoffice::http
