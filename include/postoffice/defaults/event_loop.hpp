// The loop on which the default parts do their network I/O.
#pragma once

#include <functional>
#include <memory>

namespace postoffice {

/// A single-threaded event loop. The default source, PostgreSQL store and clock run on one; the
/// HTTP ingress has its own loops.
///
/// Threads: post() and stop() may be called from any thread; everything posted runs on the loop's
/// thread. Lifetime: it must outlive everything built on it. Any thread but its own may destroy it;
/// tasks that were posted and have not run are dropped. To run on an asio::io_context of your own
/// see postoffice/asio_event_loop.hpp.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();  ///< stops and joins
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs the loop on a thread of its own until stop(). Does nothing on a loop made by
  /// make_asio_event_loop(), whose context the caller runs.
  void start();

  /// Ends the loop; tasks not yet run are dropped when it is destroyed.
  void stop();

  void post(std::function<void()> task);

 private:
  friend struct EventLoopAccess;  // for the parts that run on one
  struct Impl;
  explicit EventLoop(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
