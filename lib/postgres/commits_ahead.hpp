// Commits that do not wait for the server's log: who waits for it instead, and who asks for a flush
// when nothing else brings one.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "postgres/flush_watch.hpp"
#include "postgres/request.hpp"

namespace postoffice::postgres {

/// Of one connection. All but allowed() needs the lock of the store. Shared with the requests that
/// it sends.
class CommitsAhead : public std::enable_shared_from_this<CommitsAhead> {
 public:
  explicit CommitsAhead(bool allowed) : allowed_(allowed) {}

  /// Transactions may commit ahead of the log. Not any more once the server has refused to flush
  /// it: then each commit has to wait. Any thread.
  bool allowed() const { return allowed_; }

  /// Each transaction is counted while it is under way: those behind it flush the log, too.
  void begun() { ++under_way_; }
  void ended();

  /// As FlushWatch.
  void committed(LogPosition end, FlushWatch::Finish finish) {
    watch_.committed(end, std::move(finish));
  }
  void flushed(LogPosition position) { watch_.flushed(position); }
  void session_ended(const Failure& failure) { watch_.fail(failure); }

  /// While transactions follow each other the server flushes its log by itself. Behind the last one
  /// it would take its time, so it is asked by a request of its own.
  void flush_behind_last(const std::function<void(Request)>& submit);

 private:
  void log_flushed(const Failure& failure);

  std::atomic<bool> allowed_;
  std::size_t under_way_ = 0;
  bool flushing_ = false;
  FlushWatch watch_;
};

}  // namespace postoffice::postgres
