// A shard, its publisher and two workers, as a model: everything that leaves gaps in what a worker
// sees without anything being lost, and, if wanted, what really loses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "rabbitmq/gap_watch.hpp"
#include "rabbitmq/shard_numbers.hpp"

namespace postoffice::testing {

class LossyShard {
 public:
  LossyShard(std::uint64_t seed, bool loses) : random_(seed), loses_(loses) {}

  void step() {
    switch (pick(loses_ ? 16 : 15)) {
      case 0: return restart_or_reconnect();
      case 1: return change_worker();
      case 2: return acknowledge();
      case 3: return straggle();
      case 4: return send(false);
      case 5:
      case 6: return confirm_some();
      case 7:
      case 8:
      case 9: return enqueue();
      case 15: return lose();
      default: return pick(2) == 0 ? send(true) : deliver();
    }
  }

  std::uint64_t missing() const { return watch_.missing(); }
  std::uint64_t lost() const { return lost_.size(); }

 private:
  struct Message {
    std::uint64_t session = 0;
    rabbitmq::PlaceInLine place;
    bool callback = false;
    std::uint64_t tag = 0;
    bool again = false;
  };

  std::size_t pick(std::size_t choices) { return random_() % choices; }

  void send(bool callback) {
    wire_.push_back({session_, numbers_.put(0, callback), callback, ++tag_});
  }

  void enqueue() {
    if (wire_.empty()) return;
    if (pick(12) == 0) {
      numbers_.refuse(wire_.front().tag, false);
    } else if (pick(40) == 0) {
      numbers_.doubt_all();  // came back; the confirm follows all the same
      confirms_.push_back(wire_.front().tag);
    } else {
      queue_.push_back(wire_.front());
      confirms_.push_back(wire_.front().tag);
    }
    wire_.pop_front();
  }

  /// In any order.
  void confirm_some() {
    for (auto count = pick(6); count > 0 && !confirms_.empty(); --count) {
      const auto at = confirms_.begin() + static_cast<std::ptrdiff_t>(pick(confirms_.size()));
      numbers_.confirm(*at, false);
      confirms_.erase(at);
    }
  }

  void restart_or_reconnect() {
    if (pick(4) != 0) return;
    for (const auto& message : wire_) {
      if (pick(2) == 0) late_.push_back(message);
    }
    wire_.clear();
    confirms_.clear();
    tag_ = 0;
    numbers_.end_connection();
    if (pick(4) != 0) return;
    numbers_ = rabbitmq::ShardNumbers(1);
    ++session_;
  }

  /// The broker had read it before the connection ended.
  void straggle() {
    if (late_.empty()) return;
    queue_.push_back(late_.front());
    late_.pop_front();
  }

  void deliver() {
    for (auto count = pick(4); count > 0 && !queue_.empty(); --count) {
      const auto message = queue_.front();
      queue_.pop_front();
      unacknowledged_.push_back(message);
      if (!ours_) continue;
      watch_.hear(7, message.session, message.place, message.callback, message.again);
    }
  }

  void acknowledge() {
    const auto count = pick(unacknowledged_.size() + 1);
    unacknowledged_.erase(unacknowledged_.begin(),
                          unacknowledged_.begin() + static_cast<std::ptrdiff_t>(count));
    if (count > 0 && !ours_) others_acknowledged_ = true;
  }

  void change_worker() {
    if (pick(4) != 0) return;
    for (; !unacknowledged_.empty(); unacknowledged_.pop_back()) {
      unacknowledged_.back().again = true;
      queue_.push_front(unacknowledged_.back());
    }
    if (!ours_ || pick(2) == 0) {
      watch_.begin_channel();
      if (!ours_ && !others_acknowledged_ && pick(2) == 0) watch_.nobody_between();
      others_acknowledged_ = false;
      ours_ = true;
    } else {
      ours_ = false;
    }
  }

  void lose() {
    const auto count = std::min(pick(6), queue_.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (queue_.front().callback)
        lost_.insert({queue_.front().session, queue_.front().place.number});
      queue_.pop_front();
    }
  }

  std::mt19937_64 random_;
  const bool loses_;
  rabbitmq::ShardNumbers numbers_{1};
  rabbitmq::GapWatch watch_;
  std::uint64_t session_ = 1;
  std::uint64_t tag_ = 0;
  std::deque<Message> wire_, late_, queue_, unacknowledged_;
  std::vector<std::uint64_t> confirms_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> lost_;
  bool ours_ = true;
  bool others_acknowledged_ = false;
};

}  // namespace postoffice::testing
