// The registration of a file queue among several that share one PostgreSQL database.
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

/// Fills in PostgresInstance and does what it requires: moves the clock to the watermark of the
/// others, registers before the first callback, and releases the registration after the last one.
///
/// Ownership: the clock must outlive the store that uses instance(); the lease need not.
/// Threads: one at a time.
class PostgresLease {
 public:
  /// `queue` is QueueProgress::queue; `name` is for people: host, port, process.
  PostgresLease(Clock& clock, std::uint64_t queue, std::string name);

  /// For PostgresObjectStoreOptions.
  PostgresInstance instance() const;

  /// Call it before the first callback. From the registration on, no instance deletes what this
  /// queue has received. Waits half a second at most: callbacks may be accepted whether it
  /// succeeded or not. The store's loop must run, on another thread. `queue` and `ttl` are those of
  /// the pipeline.
  void acquire(PostgresObjectStore& store, const QueueProgress& queue,
               std::chrono::milliseconds ttl);

  /// Call it after Pipeline::stop() if nothing was left: the others then no longer wait for this
  /// queue. `done` is called once, after a second at most, on the loop's or the clock's thread.
  void release(PostgresObjectStore& store, std::function<void()> done);

 private:
  Clock& clock_;
  const std::uint64_t queue_;
  const std::string name_;
  // While false no callback was stamped, and the clock may still be moved to the others' watermark.
  const std::shared_ptr<std::atomic<bool>> stamped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace postoffice
