// The lock of a store, and the completions to be run after it is released.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace postoffice::postgres {

/// Everything of a store happens under `mutex`, so that it can be destroyed on any thread, whether
/// its loop runs or not. User code runs without the lock, in run_and_unlock().
class Completions {
 public:
  std::mutex mutex;

  /// Needs the lock.
  void add(std::function<void()> completion) { waiting_.push_back(std::move(completion)); }

  /// Runs what was added, in order; releases the lock.
  void run_and_unlock(std::unique_lock<std::mutex> lock) {
    if (running_on_ == std::thread::id{}) run(lock);  // otherwise that thread runs these as well
  }

  /// The same for the end of the store, perhaps inside a completion: when it returns nothing is
  /// left to run, and no completion runs on another thread. Keeps the lock.
  void run_to_the_end(std::unique_lock<std::mutex>& lock) {
    idle_.wait(lock, [this] {
      return running_on_ == std::thread::id{} || running_on_ == std::this_thread::get_id();
    });
    run(lock);
  }

 private:
  void run(std::unique_lock<std::mutex>& lock) {
    const auto outer = std::exchange(running_on_, std::this_thread::get_id());
    while (!waiting_.empty()) {
      auto completion = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      completion();
      completion = nullptr;  // destroying what it holds may take the lock, too
      lock.lock();
    }
    running_on_ = outer;
    if (outer == std::thread::id{}) idle_.notify_all();
  }

  std::deque<std::function<void()>> waiting_;
  std::thread::id running_on_;
  std::condition_variable idle_;
};

}  // namespace postoffice::postgres
