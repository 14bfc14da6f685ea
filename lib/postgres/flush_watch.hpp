// Transactions that are committed, and wait until the server has their log on stable storage.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "postgres/failure.hpp"

namespace postoffice::postgres {

/// A place in the server's write-ahead log (LSN).
using LogPosition = std::uint64_t;

/// Of one session, whose positions rise. A server that crashes and comes back may write other
/// records where lost ones stood: with the session goes what its positions mean.
class FlushWatch {
 public:
  using Finish = std::function<void(const Failure&)>;

  /// A transaction whose records end at `end` or before. `finish` is called once, and in order:
  /// without a failure once they are on stable storage.
  void committed(LogPosition end, Finish finish);

  /// All before `position` is on stable storage.
  void flushed(LogPosition position);
  /// … or all that was committed.
  void flushed() { flushed(~LogPosition{0}); }

  /// The session has ended: what became of the transactions is not known.
  void fail(const Failure& failure);

  bool waiting() const { return !commits_.empty(); }

 private:
  struct Commit {
    LogPosition end = 0;
    Finish finish;
  };

  std::deque<Commit> commits_;
};

}  // namespace postoffice::postgres
