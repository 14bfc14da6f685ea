// One queue among several that share the tables of one PostgreSQL database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

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
/// gone (it was retired), if the other has stopped with nothing left, or for a new session.
///
/// The functions are called on the store's loop with its lock held: they must return soon and not
/// call the store.
struct PostgresInstance {
  std::uint64_t publisher =
      0;             ///< whose queue it is, for ever (QueueProgress::queue); 0: a shard's
  int shard = -1;    ///< -1: a file queue
  std::string name;  ///< for people: host, port, process

  /// A new value permits to register again after being fenced. Without it a store has one session.
  std::function<std::uint64_t()> session{};

  /// The clock that stamps this queue's callbacks, to be compared with the server's. Without it the
  /// machine's is taken.
  std::function<Timestamp()> now{};

  /// Of a shard: whose callbacks a watermark speaks of that was found at that time (Expiry::as_of),
  /// as RabbitQueue::heard_before() knows. Their rows are raised with the shard's own.
  std::function<std::vector<std::uint64_t>(Timestamp as_of)> publishers{};

  /// Called after each registration.
  std::function<void(const PostgresRegistration&)> registered{};
};

/// One that has not told anything for a minute, and has not stopped: deletes wait for it, for it
/// may hold what was accepted. Nobody but people can know that it will not come back.
struct PostgresSilentInstance {
  std::string name;             ///< of the process that registered it last
  std::uint64_t publisher = 0;  ///< 0: a shard, that no worker serves
  int shard = -1;
  Duration silent{};  ///< how long, when it was looked at
};

/// Who has the place of an instance that is fenced.
struct PostgresSuccessor {
  std::string name;
  Timestamp since{};  ///< when this one found out, by its own clock
  Duration silent{};  ///< since the successor last told something, when it was looked at
};

/// One moment of an instance.
struct PostgresInstanceStatus {
  bool registered = false;
  bool fenced = false;                           ///< and may not register again
  std::optional<PostgresSuccessor> successor{};  ///< while fenced
  std::int64_t epoch = 0;
  /// How far all instances have come, as of the newest expire(). Timestamp::min(): not known.
  Timestamp watermark = Timestamp::min();
  /// How many are silent, and the one of them for whom deletes wait first.
  std::size_t silent_instances = 0;
  std::optional<PostgresSilentInstance> silent{};
  /// The clock of this instance less the server's. True to within `skew_error`.
  Duration skew{0};
  Duration skew_error{0};
};

}  // namespace postoffice
