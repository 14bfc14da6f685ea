#include "postoffice/defaults/system_clock.hpp"

#include <time.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/gate.hpp"
#include "net/loop_impl.hpp"

namespace postoffice {
namespace {

Duration read_clock(clockid_t id) noexcept {
  timespec t{};
  clock_gettime(id, &t);
  return std::chrono::seconds(t.tv_sec) +
         std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(t.tv_nsec));
}

}  // namespace

class SystemClock::Impl : public std::enable_shared_from_this<SystemClock::Impl> {
 public:
  explicit Impl(EventLoop& loop)
      : loop_(loop),
        timer_(context_of(loop)),
        offset_((read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME)).count()) {}

  Timestamp now() const noexcept {
    return Timestamp(read_clock(CLOCK_BOOTTIME) + Duration(offset_.load()));
  }

  void not_before(Timestamp floor) {
    if (floor <= now())
      return;  // also covers Timestamp::min(), from which nothing can be subtracted
    const auto wanted = (floor.time_since_epoch() - read_clock(CLOCK_BOOTTIME)).count();
    auto offset = offset_.load();
    while (offset < wanted && !offset_.compare_exchange_weak(offset, wanted)) {
    }
  }

  void call_at(Timestamp when, std::function<void()> task) {
    bool earliest = false;
    {
      const std::lock_guard lock(mutex_);
      const auto place = tasks_.emplace(when, std::move(task));
      earliest = place == tasks_.begin();
    }
    // Only a task that became the first one needs a new wake-up.
    if (earliest)
      loop_.post([self = weak_from_this()] {
        if (const auto impl = self.lock()) impl->run_due();
      });
  }

  Duration drift() const noexcept { return Timestamp(read_clock(CLOCK_REALTIME)) - now(); }

  /// When it returns no task runs, except one that has called this.
  void close() {
    if (Gate::Holder::holds(rounds_)) {
      rounds_.close([] {});
    } else {
      rounds_.close_and_wait();
    }
    std::multimap<Timestamp, std::function<void()>>
        dropped;  // destroyed after the lock is released, since that may call this object
    const std::lock_guard lock(mutex_);
    tasks_.swap(dropped);
  }

 private:
  void run_due() {
    const Gate::Holder inside(rounds_);
    if (!inside) return;
    // Tasks that a task adds run in the next round, so that I/O gets its turn.
    const auto now = this->now();
    std::vector<std::function<void()>> due;
    {
      const std::lock_guard lock(mutex_);
      const auto end = tasks_.upper_bound(now);
      for (auto place = tasks_.begin(); place != end; ++place)
        due.push_back(std::move(place->second));
      tasks_.erase(tasks_.begin(), end);
    }
    for (auto& task : due) {
      if (rounds_.closed()) return;
      task();
    }
    if (!rounds_.closed()) set_timer();
  }

  void set_timer() {
    Timestamp next;
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty()) return;
      next = tasks_.begin()->first;
    }
    // The steady clock stands still during suspend, so wake at least once a second and look again.
    const Timestamp now = this->now();
    const Duration wait =
        next <= now ? Duration::zero() : std::min<Duration>(next - now, std::chrono::seconds(1));
    timer_.expires_after(wait);
    timer_.async_wait([self = weak_from_this()](std::error_code error) {
      if (error) return;
      if (const auto impl = self.lock()) impl->run_due();
    });
  }

  EventLoop& loop_;
  asio::steady_timer timer_;
  std::atomic<Duration::rep> offset_;  // added to CLOCK_BOOTTIME
  Gate rounds_;
  std::mutex mutex_;
  // No Mailbox: only a task that is the earliest needs a waking, not the first one since the last.
  std::multimap<Timestamp, std::function<void()>> tasks_;
};

SystemClock::SystemClock(EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}
SystemClock::~SystemClock() { impl_->close(); }
Timestamp SystemClock::now() const noexcept { return impl_->now(); }
void SystemClock::call_at(Timestamp when, std::function<void()> task) {
  impl_->call_at(when, std::move(task));
}
void SystemClock::not_before(Timestamp floor) { impl_->not_before(floor); }
Duration SystemClock::drift() const noexcept { return impl_->drift(); }

}  // namespace postoffice
