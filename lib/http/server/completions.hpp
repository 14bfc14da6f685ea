// Brings the answers of a queue from its threads back to the loop that waits for them.
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

/// A callback given to the queue: an exchange that may outlive its connection, and even its loop,
/// until the queue has answered.
struct Ticket final : Exchange {
  Completions* home = nullptr;

  // Written by the thread that completes, then handed over.
  std::error_code error;
  Receipt receipt;
  Ticket* next_completed = nullptr;

  // The loop's own.
  bool awaited = false;  ///< the queue has not answered yet
  bool timed = false;    ///< it is a callback, read in the batch that began then …
  std::chrono::steady_clock::time_point begun;
  std::chrono::steady_clock::time_point deadline;
  // Among those whose deadline is watched. Tickets outlive their loop, so they are in no pool that
  // an IntrusiveList could number.
  Ticket* older = nullptr;
  Ticket* newer = nullptr;
  bool watched = false;
};

/// Collects completed tickets of one loop. The thread that finds the list empty wakes the loop, so
/// a batch of completions costs one wake-up; completions on the loop's own thread cost none,
/// because every batch of the loop ends with take_all(). No Mailbox: that would lock for each
/// ticket and allocate for each batch, where tickets that link themselves need neither.
///
/// It deletes itself once it is closed and no ticket is left with the queue: a completion may come
/// long after the ingress was destroyed. It does so by hand, since a std::function holds a plain
/// pointer without allocating, but not a shared_ptr.
class Completions {
 public:
  /// `wake` gets the loop to call take_all(); called under a lock, from any thread.
  explicit Completions(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Names the thread that calls take_all().
  void set_loop_thread(std::thread::id id) { loop_thread_.store(id, std::memory_order_relaxed); }

  void ticket_goes_out() { references_.fetch_add(1, std::memory_order_relaxed); }

  /// Any thread, once for each ticket given to the queue. The caller no longer owns the ticket.
  void complete(Ticket& ticket, std::error_code error, const Receipt& receipt);

  /// The completed tickets, oldest first, linked by `next_completed`.
  Ticket* take_all();

  /// The loop has ended; tickets that complete from now on are deleted. Called once.
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
