// A queue in memory, for tests: the semantics of the real one, without a disk.
#pragma once

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "postoffice/clock.hpp"
#include "postoffice/error.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::testing {

/// Completions run inline: in append() and read(), or in the method that made them possible. The
/// clock must outlive the queue. Only one thread at a time may read.
class MemoryQueue final : public Queue {
 public:
  enum class Durability { at_once, on_flush };

  explicit MemoryQueue(Clock& clock, Durability durability = Durability::at_once,
                       std::uint64_t queue = 1)
      : clock_(clock), durability_(durability), queue_(queue) {}

  ~MemoryQueue() override {
    flush();
    stop_read();
  }

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              AppendDone done) override {
    std::vector<ObjectId> sorted(ids.begin(), ids.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::unique_lock lock(mutex_);
    if (failure_) {
      const auto failure = failure_;
      lock.unlock();
      return done(failure, {});
    }
    if (!carried_from) newest_ = std::max(newest_, clock_.now());
    const auto received_at = carried_from.value_or(newest_);
    kept_.push_back({++last_, received_at, carried_from.has_value(), std::move(sorted)});
    waiting_.push_back(std::move(done));
    lock.unlock();
    if (durability_ == Durability::at_once) flush();
  }

  void read(std::size_t ids_max, ReadDone done) override {
    {
      const std::lock_guard lock(mutex_);
      ids_max_ = ids_max;
      read_ = std::move(done);
    }
    deliver();
  }

  void acknowledge(Sequence up_to) override {
    const std::lock_guard lock(mutex_);
    acknowledged_ = std::max(acknowledged_, std::min(up_to, taken_));
    while (!kept_.empty() && kept_.front().sequence <= acknowledged_) kept_.pop_front();
  }

  QueueProgress progress() const override {
    const std::lock_guard lock(mutex_);
    return {.queue = queue_,
            .frontier = oldest_after(handed_),
            .last_durable = durable_,
            .acknowledged = acknowledged_,
            .accepted_ids = accepted_ids_,
            .accepted_callbacks = accepted_callbacks_};
  }

  QueueStatistics statistics() const override {
    const std::lock_guard lock(mutex_);
    QueueStatistics result;
    result.acknowledged_at = std::min(oldest_after(acknowledged_), oldest_after(handed_));
    for (const auto& callback : kept_) result.bytes += callback.ids.size() * sizeof(ObjectId);
    result.writable = !failure_;
    return result;
  }

  /// Makes durable what was appended so far. Needed with Durability::on_flush only.
  void flush() {
    std::vector<std::pair<AppendDone, Receipt>> completions;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& callback : kept_) {
        if (callback.sequence <= durable_) continue;
        completions.emplace_back(std::move(waiting_.front()),
                                 Receipt{queue_, callback.sequence, callback.received_at});
        waiting_.pop_front();
        count(callback);
      }
      if (!kept_.empty()) durable_ = std::max(durable_, kept_.back().sequence);
    }
    for (auto& [done, receipt] : completions) done({}, receipt);
    deliver();
  }

  /// From then on appends fail with `failure`; with no error they work again.
  void fail_appends(std::error_code failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
  }

  /// Simulates a crash and a new run: held appends are dropped uncompleted, a waiting read is
  /// stopped, and everything durable that was not acknowledged is read again.
  void restart() {
    stop_read();
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    while (!kept_.empty() && kept_.back().sequence > durable_) kept_.pop_back();
    handed_ = taken_ = acknowledged_;
    accepted_ids_ = accepted_callbacks_ = 0;
    for (auto& callback : kept_) {
      callback.carried = false;
      count(callback);
    }
  }

 private:
  struct Callback {
    Sequence sequence;
    Timestamp received_at;
    bool carried;
    std::vector<ObjectId> ids;
  };

  void count(const Callback& callback) {
    if (callback.carried) return;
    accepted_ids_ += callback.ids.size();
    ++accepted_callbacks_;
  }

  Timestamp oldest_after(Sequence sequence) const {
    std::optional<Timestamp> oldest;
    for (const auto& callback : kept_) {
      if (callback.sequence <= sequence || callback.carried) continue;
      oldest = std::min(oldest.value_or(callback.received_at), callback.received_at);
    }
    if (oldest) return *oldest;
    // A caller that got this time must not receive a later callback stamped before it.
    return newest_ = std::max(newest_, clock_.now());
  }

  /// A completion may call read() again; the outermost call then goes on, so the stack stays flat.
  void deliver() {
    std::unique_lock lock(mutex_);
    while (read_ && !delivering_ && taken_ < durable_) {
      delivering_ = true;
      auto done = std::exchange(read_, nullptr);
      Delivery delivery = take();
      lock.unlock();
      done({}, std::move(delivery));
      lock.lock();
      handed_ = taken_;
      delivering_ = false;
    }
  }

  Delivery take() {
    Delivery delivery;
    for (const auto& callback : kept_) {
      if (callback.sequence <= taken_ || callback.sequence > durable_) continue;
      const auto begin = delivery.ids.size();
      if (begin + callback.ids.size() > ids_max_ && !delivery.entries.empty()) break;
      delivery.ids.insert(delivery.ids.end(), callback.ids.begin(), callback.ids.end());
      delivery.entries.push_back(
          {callback.sequence, callback.received_at, static_cast<std::uint32_t>(begin),
           static_cast<std::uint32_t>(delivery.ids.size()), callback.carried, callback.sequence});
    }
    taken_ = delivery.entries.back().sequence;
    return delivery;
  }

  void stop_read() {
    std::unique_lock lock(mutex_);
    auto done = std::exchange(read_, nullptr);
    lock.unlock();
    if (done) done(Error::stopped, {});
  }

  Clock& clock_;
  const Durability durability_;
  const std::uint64_t queue_;
  mutable std::mutex mutex_;
  mutable Timestamp newest_{};  // the newest time stamped or returned
  std::error_code failure_;
  std::deque<Callback> kept_;  // not acknowledged, in order
  std::deque<AppendDone> waiting_;
  Sequence last_ = 0;
  Sequence durable_ = 0;
  Sequence taken_ = 0;   // given to a ReadDone …
  Sequence handed_ = 0;  // … that has returned
  Sequence acknowledged_ = 0;
  std::uint64_t accepted_ids_ = 0;
  std::uint64_t accepted_callbacks_ = 0;
  std::size_t ids_max_ = 0;
  ReadDone read_;
  bool delivering_ = false;
};

}  // namespace postoffice::testing
