// Commits that do not wait for the server's WAL: completes them when it is flushed, and asks for a
// flush if nothing else causes one.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "postgres/flush_watch.hpp"
#include "postgres/request.hpp"

namespace postoffice::postgres {

/// Belongs to one connection. All methods but allowed() need the lock of the store. Shared with the
/// requests that it sends.
class CommitsAhead : public std::enable_shared_from_this<CommitsAhead> {
 public:
  explicit CommitsAhead(bool allowed) : allowed_(allowed) {}

  /// Whether transactions may commit ahead of the WAL. False once the server has refused to flush
  /// it: then each commit must wait. Any thread.
  bool allowed() const { return allowed_; }

  /// Counts a transaction that is under way: later ones flush the WAL for it, too.
  void begun() { ++under_way_; }
  void ended();

  /// As FlushWatch.
  void committed(LogPosition end, FlushWatch::Finish finish) {
    watch_.committed(end, std::move(finish));
  }
  void flushed(LogPosition position) { watch_.flushed(position); }
  void session_ended(const Failure& failure) { watch_.fail(failure); }

  /// While transactions follow each other the server flushes its WAL by itself. After the last one
  /// that would take a while, so a separate request asks for it.
  void flush_behind_last(const std::function<void(Request)>& submit);

 private:
  void log_flushed(const Failure& failure);

  std::atomic<bool> allowed_;
  std::size_t under_way_ = 0;
  bool flushing_ = false;
  FlushWatch watch_;
};

}  // namespace postoffice::postgres
