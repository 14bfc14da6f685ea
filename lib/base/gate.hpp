// A gate: refuse new, wait for old, then end.
#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace postoffice {

/// Counts who is inside, until it is closed: then nobody enters any more, and once the last one has
/// left, whoever closed it is told. It guards what those inside use: a part may be destroyed once
/// its gate is closed and empty.
///
/// Threads: all methods from any thread. What close() was given runs on the thread that closes the
/// gate, or on that of the last one to leave, and may destroy the gate.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { assert((state_.load() & ~closed_bit) == 0 && "destroyed with somebody inside"); }

  /// False once closed. Each true is answered by one leave().
  [[nodiscard]] bool enter() noexcept {
    // Not an addition: once closed the count only falls, so exactly one sees it reach zero.
    std::uint64_t state = state_.load();
    do {
      if (state & closed_bit) return false;
    } while (!state_.compare_exchange_weak(state, state + 1));
    return true;
  }

  void leave() {
    const std::uint64_t before = state_.fetch_sub(1);
    assert((before & ~closed_bit) != 0 && "left without having entered");
    if (before == (closed_bit | 1)) end();
  }

  /// Lets nobody in any more. `done` runs exactly once, when nobody is inside: in this call if that
  /// is so already. Closing again is allowed; each `done` runs.
  void close(std::function<void()> done) {
    std::vector<std::function<void()>> ready;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(done));
      // Under the lock, since what another thread runs may destroy the gate.
      if (state_.fetch_or(closed_bit) == 0) ended_ = true;
      if (ended_) ready.swap(waiting_);
    }
    for (const auto& each : ready) each();
  }

  /// The same, waiting. Not by somebody who is inside: he would wait for himself.
  void close_and_wait() {
    assert(!Holder::holds(*this) && "waits for itself to leave");
    const auto left = std::make_shared<std::promise<void>>();
    close([left] { left->set_value(); });
    left->get_future().wait();
  }

  bool closed() const noexcept { return (state_.load() & closed_bit) != 0; }

  /// Inside for as long as it lives, if it was let in. On the stack only.
  class Holder {
   public:
    explicit Holder(Gate& gate) : gate_(gate.enter() ? &gate : nullptr) {
      if (gate_) innermost = this;
    }
    ~Holder() {
      if (!gate_) return;
      assert(innermost == this);
      innermost = outer_;
      gate_->leave();
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    explicit operator bool() const noexcept { return gate_ != nullptr; }

    /// Whether this thread is inside by a holder of its own.
    static bool holds(const Gate& gate) noexcept {
      const Holder* each = innermost;
      while (each && each->gate_ != &gate) each = each->outer_;
      return each != nullptr;
    }

   private:
    static inline thread_local const Holder* innermost = nullptr;
    Gate* const gate_;
    const Holder* const outer_ = innermost;
  };

 private:
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

  // By the last one to leave a closed gate.
  void end() {
    std::vector<std::function<void()>> ready;
    {
      const std::lock_guard lock(mutex_);
      assert(!ended_);
      ended_ = true;
      ready.swap(waiting_);
    }
    for (const auto& each : ready) each();
  }

  std::atomic<std::uint64_t> state_{0};  // how many are inside; the top bit: closed
  std::mutex mutex_;
  bool ended_ = false;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace postoffice
