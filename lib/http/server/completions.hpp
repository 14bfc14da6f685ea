// How the answers of a queue come back from its threads to the loop that waits for them.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include "http/server/service.hpp"
#include "postoffice/types.hpp"

namespace postoffice::http {

class Completions;

/// A callback on its way through the queue: an exchange that outlives its connection, and even its
/// loop, until the queue has answered.
struct Ticket final : Exchange {
  Completions* home = nullptr;

  // Written by the thread that completes, then handed over.
  std::error_code error;
  Receipt receipt;
  Ticket* next_completed = nullptr;

  // The loop's own.
  bool awaited = false;  ///< the queue has not answered yet
  std::chrono::steady_clock::time_point deadline;
  // Among those whose deadline is watched. Tickets outlive their loop, so they are in no pool that
  // an IntrusiveList could number.
  Ticket* older = nullptr;
  Ticket* newer = nullptr;
  bool watched = false;
};

/// Collects completed tickets of one loop. The thread that finds the list empty wakes the loop, so
/// a batch of completions costs one wake-up; what completes on the loop's own thread costs none,
/// because every batch of the loop ends with take_all(). No Mailbox: that would lock for each
/// ticket and allocate for each batch, where tickets that link themselves need neither.
///
/// It deletes itself once closed and no ticket is out any more: a completion may come long after
/// the ingress has gone. This is by hand, as a std::function holds one plain pointer without
/// allocating, but no shared_ptr.
class Completions {
 public:
  /// `wake` gets the loop to call take_all(); called under a lock, from any thread.
  explicit Completions(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Names the thread that calls take_all().
  void set_loop_thread(std::thread::id id) { loop_thread_.store(id, std::memory_order_relaxed); }

  void ticket_goes_out() { references_.fetch_add(1, std::memory_order_relaxed); }

  /// Any thread, once for each ticket that went out. The ticket is not the caller's any more.
  void complete(Ticket& ticket, std::error_code error, const Receipt& receipt);

  /// The completed tickets, oldest first, linked by `next_completed`.
  Ticket* take_all();

  /// The loop is gone; tickets that complete from now on are deleted. Called once.
  void close();

 private:
  ~Completions() = default;
  void drop_reference();
  void delete_completed();

  std::atomic<Ticket*> newest_{nullptr};
  std::atomic<std::size_t> references_{1};
  std::atomic<std::thread::id> loop_thread_{};
  std::mutex mutex_;  // guards closed_ against wake_
  bool closed_ = false;
  std::function<void()> wake_;
};

}  // namespace postoffice::http
