// The values that cross the seams: ids, times, objects, receipts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace postoffice {

/// Names an object at the source. Every int64 is a valid id, zero and negatives included.
using ObjectId = std::int64_t;

/// A callback's place in its queue. Rises by one with each record; 0 means "before the first".
using Sequence = std::uint64_t;

/// Spans of time inside the library, in microseconds.
using Duration = std::chrono::microseconds;

/// Microseconds since the Unix epoch, UTC. PostgreSQL stores the same precision.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// One stored row.
struct Object {
  ObjectId id = 0;
  bool online = false;
  Timestamp last_seen{};   ///< latest receipt of the id (never the time of a fetch or a write)
  Timestamp fetched_at{};  ///< when the fetch that gave `online` began

  friend bool operator==(const Object&, const Object&) = default;
};

/// What a sender gets for a callback that is on stable storage.
struct Receipt {
  std::uint64_t queue = 0;  ///< which queue took it; random, fixed as long as its storage exists
  Sequence sequence = 0;
  Timestamp received_at{};

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// The receipt as senders see it: `[A-Za-z0-9-]{1,64}`, unique across queues.
std::string to_string(const Receipt& receipt);

/// Parses what to_string() wrote (queue and sequence; not the time); nothing else.
std::optional<Receipt> parse_receipt(const std::string& text);

/// An id that was given up: at least three tries failed, and nothing was received for `ttl`.
struct DeadLetter {
  ObjectId id = 0;
  Timestamp received_at{};  ///< the last receipt that was never answered
  Timestamp failed_at{};
  int attempts = 0;
  std::string reason;  ///< the last failure, for people

  friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
};

}  // namespace postoffice
