#include "http/server/completions.hpp"

#include <memory>

namespace postoffice::http {

void Completions::complete(Ticket& ticket, std::error_code error, const Receipt& receipt) {
  ticket.error = error;
  ticket.receipt = receipt;
  Ticket* newest = newest_.load(std::memory_order_relaxed);
  do {
    ticket.next_completed = newest;
  } while (!newest_.compare_exchange_weak(newest, &ticket, std::memory_order_release,
                                          std::memory_order_relaxed));
  const bool first = newest == nullptr;
  if (first && std::this_thread::get_id() != loop_thread_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      delete_completed();
    } else {
      wake_();
    }
  }
  drop_reference();
}

Ticket* Completions::take_all() {
  Ticket* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  Ticket* oldest = nullptr;
  while (newest != nullptr) {
    Ticket* const next = newest->next_completed;
    newest->next_completed = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

void Completions::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    loop_thread_.store({}, std::memory_order_relaxed);
    delete_completed();
  }
  drop_reference();
}

void Completions::delete_completed() {
  for (Ticket* ticket = take_all(); ticket != nullptr;) {
    const std::unique_ptr<Ticket> owner(ticket);
    ticket = ticket->next_completed;
  }
}

void Completions::drop_reference() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace postoffice::http
