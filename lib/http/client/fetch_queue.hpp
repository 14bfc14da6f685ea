// Fetches that have no connection: those that wait for one, and those that have ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <utility>

#include "http/client/fetch.hpp"
#include "net/deadline_wheel.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::http {

/// A fetch arrives from any thread, waits in line, goes to a connection (and comes back at most
/// once, for a new one), ends with a result, and is completed. Its object is then reused.
///
/// Invariants: a fetch is in exactly one list, its `home`; it has a deadline in the wheel from
/// take_arrived() until it ends.
///
/// Threads: put() on any thread. All others under the lock of the FetchPool that owns this.
class FetchQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `spares_max` fetches are kept for reuse.
  FetchQueue(std::size_t spares_max, Time now) : spares_max_(spares_max), deadlines_(now) {}

  enum class Put {
    closed,    ///< not taken; `done` is still the caller's
    tell,      ///< taken, and the owner must be told to call take_arrived()
    expected,  ///< taken; the owner calls take_arrived() anyway
  };
  Put put(ObjectId id, std::chrono::milliseconds timeout, ObjectSource::Done& done);

  /// The owner will call take_arrived() soon; until then put() need not ask for it.
  void expect_arrivals();
  /// Queues the fetches that have arrived. False if there are none.
  bool take_arrived();

  /// How many want a connection; those that came back want a new one.
  std::size_t wanting() const { return waiting_.size() + retries_.size(); }
  bool any_waiting() const { return !waiting_.empty(); }

  /// Moves the next in line to `carrier`, the list of a connection.
  Fetch& next_waiting(FetchList& carrier) { return next(waiting_, carrier); }
  /// The same for a new connection.
  Fetch& next_wanting(FetchList& carrier) {
    return next(retries_.empty() ? waiting_ : retries_, carrier);
  }
  /// The one that next_wanting() would give.
  Fetch& first_wanting() { return retries_.empty() ? waiting_.front() : retries_.front(); }
  /// Its connection broke before any answer: tries it once more.
  void retry(Fetch& fetch);

  void end(Fetch& fetch, FetchResult result);
  bool any_ended() const { return !ended_.empty(); }
  /// Takes one that has ended, to be completed outside the lock.
  std::pair<ObjectSource::Done, FetchResult> take_ended();

  bool any_deadline() const { return !deadlines_.empty(); }
  /// Gives each fetch whose time is over to `expired`, which must end it.
  template <typename Expired>
  void expire(Time now, Expired expired) {
    deadlines_.expire(now,
                      [&](net::Deadline& deadline) { expired(static_cast<Fetch&>(deadline)); });
  }

  /// No more fetches arrive, and waiting ones end with Error::stopped.
  void close();

 private:
  static Fetch& next(FetchList& line, FetchList& carrier);

  const std::size_t spares_max_;

  // No Mailbox: what comes here is spliced from list to list and used again, without allocating.
  std::mutex inbox_mutex_;
  FetchList inbox_;
  FetchList spares_;
  bool expected_ = false;  // the owner will take the arrived fetches
  bool closed_ = false;

  FetchList waiting_;
  FetchList retries_;
  FetchList ended_;
  FetchList completed_;  // on their way to spares_
  net::DeadlineWheel deadlines_;
};

}  // namespace postoffice::http
