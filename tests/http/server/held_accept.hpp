// An Accept that keeps completions until the test wants them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/ingress.hpp"

namespace test {

class HeldAccept {
 public:
  struct Held {
    std::vector<postoffice::ObjectId> ids;
    postoffice::Queue::AppendDone done;
  };

  ~HeldAccept() {
    for (auto& held : held_) held.done(postoffice::Error::stopped, {});
  }

  postoffice::Ingress::Accept function() {
    return [this](std::span<const postoffice::ObjectId> ids, postoffice::Queue::AppendDone done) {
      const std::lock_guard lock(mutex_);
      held_.push_back({{ids.begin(), ids.end()}, std::move(done)});
      changed_.notify_all();
    };
  }

  /// Waits until `count` are held, and takes them.
  std::vector<Held> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    const auto enough = [&] { return held_.size() >= count; };
    if (!changed_.wait_for(lock, std::chrono::seconds(10), enough)) {
      throw std::runtime_error("too few callbacks came");
    }
    return std::exchange(held_, {});
  }

  std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
};

}  // namespace test
