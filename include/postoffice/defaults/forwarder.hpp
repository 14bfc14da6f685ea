// From one queue into another: sends callbacks that are durable here to a broker when it answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <system_error>

#include "postoffice/clock.hpp"
#include "postoffice/log.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

struct ForwarderOptions {
  std::size_t ids_max = 200'000;  ///< read and not yet confirmed; a single callback may be larger
  std::chrono::milliseconds retry_min{100};    ///< pause after a failure; doubles …
  std::chrono::milliseconds retry_max{2'000};  ///< … up to this
};

struct ForwarderStatus {
  std::uint64_t forwarded = 0;  ///< callbacks that the broker has confirmed
  std::uint64_t failures = 0;   ///< attempts that were not confirmed
  std::uint64_t waiting = 0;    ///< callbacks read and not yet confirmed
  bool well = true;             ///< the latest attempt was confirmed
};

/// Reads a queue and forwards every callback with its receipt time. The queue is acknowledged up to
/// the first callback that is not confirmed, so each arrives at least once, whatever restarts.
/// After a failure the forwarder waits for the calls under way, then sends all that failed again,
/// in order.
///
/// Ownership: queue and clock must outlive the forwarder, and nothing else may read the queue. A
/// completion that comes after the forwarder was destroyed touches neither.
/// Threads: all methods may be called from any thread. `forward` is called on the clock's thread;
/// it must call `Done` once, from any thread, possibly before it returns.
class Forwarder {
 public:
  using Done = std::function<void(std::error_code)>;
  using Forward = std::function<void(std::span<const ObjectId>, Timestamp received_at, Done)>;

  Forwarder(Queue& queue, Clock& clock, Forward forward, ForwarderOptions options = {},
            Log log = {});
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  void start();

  /// Sends nothing more; `done` is called once, when nothing is under way. What is left stays in
  /// the queue. Completions must still be delivered until then.
  void stop(std::function<void()> done);

  /// Every callback stamped before this time has been confirmed, and none will be stamped before
  /// it.
  Timestamp frontier() const;

  ForwarderStatus status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
