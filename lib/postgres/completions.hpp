// The lock of a store, and the completions that wait to be run without it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

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
    if (running_on_ == std::thread::id{}) run(lock);  // else that thread runs these as well
  }

  /// The same for whoever ends the store, perhaps inside a completion: when it returns nothing is
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
      completion = nullptr;  // what it holds may lock, too
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
