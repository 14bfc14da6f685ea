// The place of a file queue among several that share one PostgreSQL database.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

/// What PostgresInstance asks of whoever fills it in: the clock goes on from where the others are,
/// the place is taken before the first callback, and given back behind the last one.
///
/// Ownership: the clock must outlive the store that writes for this; the lease need not.
/// Threads: one at a time.
class PostgresLease {
 public:
  /// `queue` is QueueProgress::queue; `name` is for people: host, port, process.
  PostgresLease(Clock& clock, std::uint64_t queue, std::string name);

  /// For PostgresObjectStoreOptions.
  PostgresInstance instance() const;

  /// Before the first callback: from then on nobody deletes what this queue has received. Waits for
  /// that, but for half a second only: callbacks may be accepted whether it worked or not. The
  /// store's loop must run, on another thread. `queue` and `ttl` are those of the pipeline.
  void acquire(PostgresObjectStore& store, const QueueProgress& queue,
               std::chrono::milliseconds ttl);

  /// After Pipeline::stop(), if nothing was left: tells the others not to wait. `done` comes once,
  /// a second later at most, on the loop's or the clock's thread.
  void release(PostgresObjectStore& store, std::function<void()> done);

 private:
  Clock& clock_;
  const std::uint64_t queue_;
  const std::string name_;
  // Until then no callback was stamped, and the clock may still be moved to where the others are.
  const std::shared_ptr<std::atomic<bool>> stamped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace postoffice
