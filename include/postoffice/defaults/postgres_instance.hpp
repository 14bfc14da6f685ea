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

/// What an instance found when it registered.
struct PostgresRegistration {
  std::int64_t epoch = 0;
  /// No row is created with a last_seen below this: a clock that is behind must be moved to it.
  Timestamp cutoff{};
  /// The watermark of the other instances; Timestamp::min() if there are none. A clock that has
  /// stamped nothing yet should be moved to it, so that deletes need not wait for this instance.
  Timestamp others{};
  bool fresh = false;  ///< the instance had no row before
};

/// Set this if the store writes for one queue among several. The store registers the queue with its
/// first call, records the queue's watermark with each expire(), and deletes only what the
/// watermarks of all queues allow. Once another process has registered the same queue, or the
/// instance was retired, the store is fenced: its writes fail with Error::fenced and change
/// nothing. It registers again by itself if the row is gone (it was retired), if the other process
/// has stopped with nothing left, or for a new session.
///
/// The store calls these functions on its loop with its lock held: they must return soon and must
/// not call the store.
struct PostgresInstance {
  std::uint64_t publisher =
      0;  ///< identity of the queue, which never changes (QueueProgress::queue); 0: a shard
  int shard = -1;    ///< -1: a file queue
  std::string name;  ///< for people: host, port, process

  /// A new value allows the store to register again after it was fenced. Without this function a
  /// store has one session.
  std::function<std::uint64_t()> session{};

  /// The clock that stamps this queue's callbacks, to be compared with the server's. Without it the
  /// machine's clock is used.
  std::function<Timestamp()> now{};

  /// For a shard: the publishers whose callbacks the watermark of that time (Expiry::as_of) covers,
  /// see RabbitQueue::heard_before(). Their rows of postoffice_instances are raised together with
  /// the shard's own.
  std::function<std::vector<std::uint64_t>(Timestamp as_of)> publishers{};

  /// Called after each registration.
  std::function<void(const PostgresRegistration&)> registered{};
};

/// An instance that has not written to the database for a minute and has not stopped. Deletes wait
/// for it, since it may hold accepted callbacks. Only people can know that it will not return.
struct PostgresSilentInstance {
  std::string name;             ///< of the process that registered it last
  std::uint64_t publisher = 0;  ///< 0: a shard that no worker serves
  int shard = -1;
  Duration silent{};  ///< how long, at the time of the query
};

/// The process that replaced a fenced instance.
struct PostgresSuccessor {
  std::string name;
  Timestamp since{};  ///< when the fenced instance noticed, by its own clock
  Duration silent{};  ///< since the successor last wrote, at the time of the query
};

/// A snapshot of an instance.
struct PostgresInstanceStatus {
  bool registered = false;
  bool fenced = false;                           ///< and it may not register again
  std::optional<PostgresSuccessor> successor{};  ///< while fenced
  std::int64_t epoch = 0;
  /// The watermark of all instances together, as of the newest expire(). Timestamp::min(): not
  /// known.
  Timestamp watermark = Timestamp::min();
  /// How many instances are silent, and the one that holds deletes back most.
  std::size_t silent_instances = 0;
  std::optional<PostgresSilentInstance> silent{};
  /// The clock of this instance minus the server's, accurate to within `skew_error`.
  Duration skew{0};
  Duration skew_error{0};
};

}  // namespace postoffice
