// Callbacks under way through a real broker, and whether all that were accepted arrive.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "conformance/queue_conformance.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "support/event_log.hpp"
#include "support/rabbit.hpp"

namespace postoffice::testing {

/// Reads one shard, remembers what came, and acknowledges it.
class ShardReader {
 public:
  ShardReader(const RabbitOptions& options, int shard, Clock& clock, Log log = {})
      : queue_(options, shard, clock, std::move(log)) {
    next();
  }

  RabbitQueue& queue() { return queue_; }
  std::set<ObjectId> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
  }
  std::size_t deliveries() const { return deliveries_; }
  bool frontier_was_wrong() const { return wrong_; }
  void stop_acknowledging() { acknowledging_ = false; }

 private:
  void next() {
    queue_.read(1'000, [this](std::error_code error, const Delivery& delivery) {
      if (error) return;
      const auto frontier = queue_.progress().frontier;
      for (const auto& entry : delivery.entries) {
        // All publishers are heard before the first callback, and are never behind it.
        if (!entry.carried && frontier > entry.received_at) wrong_ = true;
      }
      {
        const std::lock_guard lock(mutex_);
        ids_.insert(delivery.ids.begin(), delivery.ids.end());
        deliveries_ += delivery.ids.size();
      }
      if (acknowledging_) queue_.acknowledge(delivery.entries.back().sequence);
      next();
    });
  }

  mutable std::mutex mutex_;
  std::set<ObjectId> ids_;
  std::atomic<std::size_t> deliveries_{0};
  std::atomic<bool> wrong_{false};
  std::atomic<bool> acknowledging_{true};
  RabbitQueue queue_;  // last: its thread uses the others
};

/// Appends callbacks of ten fresh ids, one every millisecond, until it goes.
class Flood {
 public:
  Flood(RabbitPublisher& publisher, ObjectId first) : publisher_(publisher), next_(first) {
    thread_ = std::thread([this] { run(); });
  }
  ~Flood() { stop(); }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    within(std::chrono::seconds(5), [&] { return under_way_ == 0; });
  }
  std::set<ObjectId> accepted() const {
    const std::lock_guard lock(state_->mutex);
    return state_->accepted;
  }
  std::size_t accepted_count() const { return accepted().size(); }
  std::size_t refused() const {
    const std::lock_guard lock(state_->mutex);
    return state_->refused;
  }
  std::chrono::milliseconds slowest() const {
    const std::lock_guard lock(state_->mutex);
    return state_->slowest;
  }
  int under_way() const { return under_way_; }

 private:
  struct State {
    std::mutex mutex;
    std::set<ObjectId> accepted;
    std::size_t refused = 0;
    std::chrono::milliseconds slowest{0};
  };

  void run() {
    while (!stopping_) {
      std::vector<ObjectId> ids;
      for (int i = 0; i < 10; ++i) ids.push_back(next_++);
      ++under_way_;
      const auto began = std::chrono::steady_clock::now();
      publisher_.append(ids, [this, ids, began](std::error_code error, const Receipt&) {
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - began);
        {
          const std::lock_guard lock(state_->mutex);
          state_->slowest = std::max(state_->slowest, took);
          if (error) ++state_->refused;
          if (!error) state_->accepted.insert(ids.begin(), ids.end());
        }
        --under_way_;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  RabbitPublisher& publisher_;
  ObjectId next_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::atomic<int> under_way_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// So many more ids are accepted.
inline bool grows(const Flood& flood, std::size_t by) {
  const auto before = flood.accepted_count();
  return within(std::chrono::seconds(20), [&] { return flood.accepted_count() >= before + by; });
}

/// A publisher, a consumer for each shard, and the real clock.
struct Installation {
  /// `url`: another way to the broker.
  explicit Installation(int shards = 3, const std::string& url = {},
                        std::chrono::milliseconds confirm_timeout = {})
      : options(rabbit_options(shards)) {
    if (!url.empty()) options.url = url;
    if (confirm_timeout.count() > 0) options.confirm_timeout = confirm_timeout;
    loop.start();
    publisher = std::make_unique<RabbitPublisher>(options, clock, log.log());
    for (int shard = 0; shard < shards; ++shard) {
      readers.push_back(std::make_unique<ShardReader>(options, shard, clock, log.log()));
    }
    REQUIRE(ready());
  }
  ~Installation() {
    if (std::getenv("POSTOFFICE_TEST_VERBOSE") != nullptr) MESSAGE(log.all());
    publisher.reset();
    readers.clear();
    loop.stop();
  }

  bool ready() {
    return within(std::chrono::seconds(20), [&] {
      bool all = publisher->status().connected && !publisher->status().blocked;
      for (const auto& reader : readers) all &= reader->queue().details().connected;
      return all;
    });
  }
  /// Everything that was accepted arrives.
  bool arrives(const Flood& flood) {
    const auto accepted = flood.accepted();
    return within(std::chrono::seconds(20), [&] {
      std::set<ObjectId> all;
      for (const auto& reader : readers) all.merge(reader->ids());
      return std::includes(all.begin(), all.end(), accepted.begin(), accepted.end());
    });
  }

  EventLog log;
  EventLoop loop;
  SystemClock clock{loop};
  RabbitOptions options;
  std::unique_ptr<RabbitPublisher> publisher;
  std::vector<std::unique_ptr<ShardReader>> readers;
};

}  // namespace postoffice::testing
