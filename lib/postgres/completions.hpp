// The lock of a store, and the completions that wait to be run without it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace postoffice::postgres {

/// Everything of a store happens under `mutex`, so that it can be destroyed on any thread while its
/// loop runs, or stands still. User code runs outside of it, in run_and_unlock().
class Completions {
 public:
  std::mutex mutex;

  /// Needs the lock.
  void add(std::function<void()> completion) { waiting_.push_back(std::move(completion)); }

  /// Runs what was added, in order; releases the lock.
  void run_and_unlock(std::unique_lock<std::mutex> lock) {
    if (running_on_ != std::thread::id{}) return;  // that thread runs these as well
    running_on_ = std::this_thread::get_id();
    while (!waiting_.empty()) {
      const auto batch = std::exchange(waiting_, {});
      lock.unlock();
      for (const auto& completion : batch) completion();
      lock.lock();
    }
    running_on_ = {};
    idle_.notify_all();
  }

  /// Waits until no completion runs on another thread.
  void wait_until_idle(std::unique_lock<std::mutex>& lock) {
    idle_.wait(lock, [this] {
      return running_on_ == std::thread::id{} || running_on_ == std::this_thread::get_id();
    });
  }

 private:
  std::vector<std::function<void()>> waiting_;
  std::thread::id running_on_;
  std::condition_variable idle_;
};

}  // namespace postoffice::postgres
