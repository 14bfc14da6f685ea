// The answers to the soak's senders, kept small enough for hours.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fault/sender.hpp"

namespace postoffice::testing {

/// Later callbacks hide the loss of an earlier one with the same ids, so each also has an id that
/// never comes again.
inline constexpr std::int64_t first_fresh_id = 1'000'000;

class Receipts {
 public:
  struct Accepted {
    std::int64_t sent_at = 0;  // the receipt lies between the two
    std::int64_t answered_at = 0;
  };
  struct Counts {
    std::size_t accepted = 0, refused = 0, unknown = 0;
  };

  void add(const Sent& sent) {
    const std::lock_guard lock(mutex_);
    ++(sent.status == 202 ? counts_.accepted
       : sent.status == 0 ? counts_.unknown
                          : counts_.refused);
    if (sent.status == 202) slowest_us_ = std::max(slowest_us_, sent.answered_at - sent.sent_at);
    for (const auto id : sent.ids) {
      auto& history = histories_[id];
      if (sent.status == 0) history.unknown = true;
      if (sent.status != 202) continue;
      history.unknown = false;
      history.accepted.push_back({sent.sent_at, sent.answered_at});
      std::erase_if(history.accepted, [&](const Accepted& each) {
        return each.answered_at < sent.answered_at - kept_us;
      });
      if (id >= first_fresh_id) fresh_.push_back(id);
    }
  }

  /// Whether a row whose last_seen was at least `last_seen` had to be there until `time`: by what
  /// was accepted there was never more than ttl from one receipt to the next.
  bool must_live(std::int64_t id, std::int64_t last_seen, std::int64_t time,
                 std::int64_t ttl_us) const {
    const std::lock_guard lock(mutex_);
    auto lives_until = last_seen + ttl_us;
    const auto place = histories_.find(id);
    if (place != histories_.end()) {
      for (const auto& each : place->second.accepted) {
        if (each.answered_at <= lives_until) {
          lives_until = std::max(lives_until, each.sent_at + ttl_us);
        }
      }
    }
    return lives_until > time;
  }

  /// The last accepted of each id that was sent after `time`, and whether it is certainly the last
  /// that reached the daemon.
  struct Last : Accepted {
    bool certain = false;
  };
  std::map<std::int64_t, Last> last_since(std::int64_t time) const {
    const std::lock_guard lock(mutex_);
    std::map<std::int64_t, Last> found;
    for (const auto& [id, history] : histories_) {
      if (history.accepted.empty() || history.accepted.back().sent_at < time) continue;
      Last& last = found[id];
      for (const auto& each : history.accepted) {
        last.sent_at = std::max(last.sent_at, each.sent_at);
        last.answered_at = std::max(last.answered_at, each.answered_at);
      }
      last.certain = !history.unknown;
    }
    return found;
  }

  std::vector<std::int64_t> fresh() const {
    const std::lock_guard lock(mutex_);
    return fresh_;
  }
  Counts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::int64_t slowest_us() const {
    const std::lock_guard lock(mutex_);
    return slowest_us_;
  }

 private:
  static constexpr std::int64_t kept_us = 120'000'000;
  struct History {
    std::vector<Accepted> accepted;
    bool unknown = false;  // since the last accepted
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, History> histories_;
  std::vector<std::int64_t> fresh_;  // accepted
  Counts counts_;
  std::int64_t slowest_us_ = 0;
};

/// Sends callbacks at a steady rate, whatever the answers, until it is stopped.
class SteadySender {
 public:
  SteadySender(std::uint16_t port, Receipts& receipts, unsigned seed)
      : port_(port), receipts_(receipts) {
    for (unsigned i = 0; i < connections; ++i) {
      threads_.emplace_back([this, seed, i] { run(std::mt19937(seed + i)); });
    }
  }
  ~SteadySender() { stop(); }

  /// From now on a fifth as often.
  void slow_down() { slow_ = true; }

  /// Returns when nothing is under way any more.
  void stop() {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  static constexpr unsigned connections = 4;
  static constexpr auto interval = std::chrono::milliseconds(10) * connections;

  void run(std::mt19937 random) {
    std::optional<CallbackConnection> connection;
    auto next = std::chrono::steady_clock::now();
    while (!stopping_) {
      if (!connection || !connection->usable()) {
        connection.emplace(port_, std::chrono::seconds(1));
      }
      post(*connection, random);
      // Missed callbacks are not sent later: a daemon that was stopped would get all of them at
      // once.
      next = std::max(next + interval * (slow_ ? 5 : 1), std::chrono::steady_clock::now());
      std::this_thread::sleep_until(next);
    }
  }

  void post(CallbackConnection& connection, std::mt19937& random) {
    Sent sent;
    for (auto more = random() % 50; more > 0; --more) sent.ids.push_back(random() % 5000);
    sent.ids.push_back(first_fresh_id + next_fresh_++);
    sent.sent_at = now_us();
    sent.status = connection.post(sent.ids);
    sent.answered_at = now_us();
    receipts_.add(sent);
  }

  const std::uint16_t port_;
  Receipts& receipts_;
  std::atomic<std::int64_t> next_fresh_{0};
  std::atomic<bool> slow_{false};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace postoffice::testing
