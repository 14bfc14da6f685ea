// Many deadlines at O(1) each: coarse, never early.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postoffice::net {

/// A place in the wheel; an object with a deadline derives from it.
///
/// Linked by pointers: an IntrusiveList links by numbers in a pool, and fetches stand in no pool. A
/// ring with the slot as its own element needs no special case for the ends.
struct Deadline {
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  Deadline* previous = nullptr;
  Deadline* next = nullptr;
  std::uint64_t tick = 0;
};

/// A hashed timing wheel. Each fetch sets and clears one deadline; a timer for each, in a heap
/// behind a lock, would cost more than the rest of its bookkeeping. A deadline expires at most two
/// ticks late. A deadline more than one turn of the wheel ahead is skipped until its own turn.
class DeadlineWheel {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds tick_length{20};

  explicit DeadlineWheel(Time now) : done_(tick_of(now)) {
    for (auto& slot : slots_) slot.previous = slot.next = &slot;
  }

  bool empty() const { return size_ == 0; }

  void add(Deadline& deadline, Time when) {
    // Rounded up, and never into a slot that has been emptied already.
    deadline.tick = tick_of(when) + 1;
    if (deadline.tick <= done_) deadline.tick = done_ + 1;
    Deadline& slot = slots_[deadline.tick % slots_.size()];
    deadline.previous = slot.previous;
    deadline.next = &slot;
    slot.previous->next = &deadline;
    slot.previous = &deadline;
    ++size_;
  }

  /// Does nothing if it is not in the wheel.
  void remove(Deadline& deadline) {
    if (!deadline.next) return;
    deadline.previous->next = deadline.next;
    deadline.next->previous = deadline.previous;
    deadline.previous = deadline.next = nullptr;
    --size_;
  }

  /// Removes all deadlines due at `now` and gives each to `expired`, which must not remove others.
  template <typename Expired>
  void expire(Time now, Expired expired) {
    const std::uint64_t end = tick_of(now);
    if (end > done_ + slots_.size()) done_ = end - slots_.size();
    while (done_ < end) {
      Deadline& slot = slots_[++done_ % slots_.size()];
      for (Deadline* place = slot.next; place != &slot;) {
        Deadline& deadline = *place;
        place = place->next;
        if (deadline.tick > end) continue;
        remove(deadline);
        expired(deadline);
      }
    }
  }

 private:
  static std::uint64_t tick_of(Time time) {
    return static_cast<std::uint64_t>(time.time_since_epoch() / tick_length);
  }

  std::array<Deadline, 512> slots_;
  std::uint64_t done_;  // every slot up to here has been emptied of what was due
  std::size_t size_ = 0;
};

}  // namespace postoffice::net
