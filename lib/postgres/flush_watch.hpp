// Committed transactions that wait until the server has their WAL on stable storage.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "postgres/failure.hpp"

namespace postoffice::postgres {

/// A place in the server's write-ahead log (LSN).
using LogPosition = std::uint64_t;

/// Belongs to one session, in which positions only rise. A server that crashes and restarts may
/// write other records at the positions of lost ones, so positions mean nothing after the session.
class FlushWatch {
 public:
  using Finish = std::function<void(const Failure&)>;

  /// A transaction whose records end at `end` or before. `finish` is called once, and in order:
  /// without a failure once they are on stable storage.
  void committed(LogPosition end, Finish finish);

  /// Everything before `position` is on stable storage.
  void flushed(LogPosition position);
  /// … or everything committed so far.
  void flushed() { flushed(~LogPosition{0}); }

  /// The session has ended: the outcome of the transactions is unknown.
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
