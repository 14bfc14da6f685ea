// How the newest fetches of a pipeline ended: what is known of its source at present.
#pragma once

#include <cstdint>
#include <string>

#include "postoffice/types.hpp"

namespace postoffice {

/// A snapshot. "Not found" counts as an answer.
struct FetchNews {
  enum class Failure {
    unreachable,  ///< no connection, or it broke
    timed_out,    ///< no answer within the time limit
    refused       ///< an answer that is of no use: an error, or malformed
  };

  Timestamp answered_at = Timestamp::min();  ///< of the newest answer; min: there was none
  Duration latency{};                        ///< of answers: a mean of the newest few

  Timestamp failed_at = Timestamp::min();  ///< of the newest failure; min: there was none
  Failure failure = Failure::unreachable;  ///< what it was
  std::string reason{};                    ///< … in the source's own words, or the system's
  ObjectId failed_id = 0;

  /// Failures since the newest answer, and when the first of them was (max: there were none).
  std::uint64_t failures = 0;
  Timestamp failing_since = Timestamp::max();
  bool of_one_id = true;  ///< … and whether all of them were about one id

  /// The newest fetches, and how many of them failed. An id that fails again and again counts once.
  static constexpr unsigned newest_max = 32;
  unsigned newest = 0;
  unsigned newest_failed = 0;

  /// When the oldest fetch in flight began that no answer to a later one has overtaken; max: there
  /// is none. And when the newest of the answered ones began.
  Timestamp oldest_in_line = Timestamp::max();
  Timestamp newest_answered = Timestamp::min();
};

/// The newest id that was given up.
struct DeadLetterNews {
  Timestamp failed_at = Timestamp::min();  ///< min: there was none
  Timestamp received_at{};
  ObjectId id = 0;
  int attempts = 0;
  std::string reason{};
};

/// What is known of two pipelines with the same source.
FetchNews together(const FetchNews& one, const FetchNews& other);

}  // namespace postoffice
