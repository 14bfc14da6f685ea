// Counts the answers that are refused, and decides when to tell.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "http/client/refusal.hpp"

namespace postoffice::http {

/// A fault that stands in every answer would fill the log, one that is never told is found too
/// late. So each kind is told the first time, and again after it has not been seen for long.
/// Whether any answer is taken is a matter of its own: `only_refused()`.
///
/// Threads: none of its own.
class RefusedAnswers {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Counts = std::array<std::uint64_t, refusals>;

  static constexpr std::chrono::minutes quiet_for_long{10};
  /// So many in a row, with none taken among them, are no accident of one object.
  static constexpr std::uint64_t run_that_tells = 8;
  /// Then nobody asks any more, and what came last says nothing about now.
  static constexpr std::chrono::seconds stale{60};

  /// True if this one is to be told.
  bool refused(Refusal refusal, std::string reason, Time now) {
    const auto kind = static_cast<std::size_t>(refusal);
    const bool tell = counts_[kind] == 0 || now - last_[kind] >= quiet_for_long;
    ++counts_[kind];
    last_[kind] = newest_ = now;
    ++run_;
    newest_reason_ = std::move(reason);
    return tell;
  }

  /// An answer was of use, be it that there is no such object.
  void taken() { run_ = 0; }

  const Counts& counts() const { return counts_; }
  std::uint64_t run() const { return run_; }
  Time newest() const { return newest_; }
  const std::string& newest_reason() const { return newest_reason_; }

  /// Nothing but refused answers comes, as far as anything comes.
  bool only_refused(Time now) const { return run_ >= run_that_tells && now - newest_ < stale; }

 private:
  Counts counts_{};
  std::array<Time, refusals> last_{};
  std::uint64_t run_ = 0;  // since one was taken
  Time newest_{};
  std::string newest_reason_;
};

}  // namespace postoffice::http
