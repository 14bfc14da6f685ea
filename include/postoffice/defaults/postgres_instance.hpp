// One queue among several that share the tables of one PostgreSQL database.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "postoffice/types.hpp"

namespace postoffice {

/// What an instance found as it registered.
struct PostgresRegistration {
  std::int64_t epoch = 0;
  /// No row is created below this: a clock that is behind it must go on from there.
  Timestamp cutoff{};
  /// How far the others have come; Timestamp::min() if there is none. A clock that has stamped
  /// nothing yet should go on from there, so that deletes need not wait for it.
  Timestamp others{};
  bool fresh = false;  ///< the instance had no row before
};

/// "This store writes for one queue among several." The store registers the queue with its first
/// call, tells the others with each expire() how far it has come, and deletes only what all have
/// passed. Once somebody else has registered the same queue, or it was retired, it is fenced: its
/// writes fail with Error::fenced and change nothing. It registers again by itself if the row is
/// gone, or for a new session.
///
/// The functions are called on the store's loop with its lock held: they must return soon and not
/// call the store.
struct PostgresInstance {
  std::uint64_t publisher = 0;  ///< whose queue it is, for ever (QueueStatus::queue); 0: a shard's
  int shard = -1;               ///< -1: a file queue
  std::string name;             ///< for people: host, port, process

  /// A new value permits to register again after being fenced. Without it a store has one session.
  std::function<std::uint64_t()> session{};

  /// The clock that stamps this queue's callbacks, to be compared with the server's. Without it the
  /// machine's is taken.
  std::function<Timestamp()> now{};

  /// Called after each registration.
  std::function<void(const PostgresRegistration&)> registered{};
};

/// One moment of an instance.
struct PostgresInstanceStatus {
  bool registered = false;
  bool fenced = false;  ///< and may not register again
  std::int64_t epoch = 0;
  /// How far all instances have come, as of the newest expire(). Timestamp::min(): not known.
  Timestamp watermark = Timestamp::min();
  /// The clock of this instance less the server's. True to within `skew_error`.
  Duration skew{0};
  Duration skew_error{0};
};

}  // namespace postoffice
