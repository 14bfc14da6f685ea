// This daemon among others on one database: its name, its place, how it comes and goes.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/queue.hpp"

namespace postofficed {

/// How often the others are told how far this daemon has come. A row goes up to two beats later
/// than it would with one daemon.
inline constexpr std::chrono::milliseconds beat_of_instances{200};

/// Transactions of a pipeline whose store does not wait at each commit: one is computed, one stands
/// behind it, and some wait for the server's log.
inline constexpr std::size_t batches_not_awaited = 6;

/// "host:9090#4711": where this process listens, and which it is.
std::string instance_name(const std::string& listen);

/// `clock` must outlive the store. While `stamped` is false no callback has been stamped yet, and
/// the clock may still be moved to where the others are.
postoffice::PostgresInstance make_instance(const Options& options,
                                           const postoffice::QueueProgress& queue,
                                           postoffice::Clock& clock,
                                           std::shared_ptr<const std::atomic<bool>> stamped);

/// Registers before the first callback, so that from then on no other daemon deletes what this one
/// has received. Waits for that, but not for long: callbacks are taken whether it worked or not.
/// The store's loop must run.
void register_instance(postoffice::PostgresObjectStore& store,
                       const postoffice::QueueProgress& queue, std::chrono::milliseconds ttl);

/// Tells the others not to wait for a daemon that has stopped with nothing left to do. `done` comes
/// once, a second later at most.
void leave_instances(postoffice::PostgresObjectStore& store, postoffice::Clock& clock,
                     std::function<void()> done);

}  // namespace postofficed
