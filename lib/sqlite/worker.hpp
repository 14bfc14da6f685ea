// A thread that runs jobs in order, and may take several that wait at once.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.hpp"

namespace postoffice::sqlite {

/// `Job` has `std::size_t weight()`: consecutive jobs of weights above zero are run together until
/// their weights reach a limit. `run` gets them on the worker's thread; `refuse` gets the jobs not
/// run before stop().
template <typename Job>
class Worker {
 public:
  using Run = std::function<void(std::vector<Job>)>;
  using Refuse = std::function<void(Job)>;

  /// `look` is called on the worker's thread once a second while it is idle.
  Worker(Run run, Refuse refuse, std::function<void()> look = {})
      : run_(std::move(run)),
        refuse_(std::move(refuse)),
        look_(std::move(look)),
        thread_([this] { loop(); }) {}

  ~Worker() { stop(); }

  void add(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        jobs_.push_back(std::move(job));
        wake_.notify_one();
        return;
      }
    }
    refuse_(std::move(job));
  }

  /// Jobs added from now on are refused at once, and no more are run.
  void close() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }

  void stop() {
    close();
    assert(thread_.get_id() != std::this_thread::get_id() && "destroyed inside a completion");
    if (thread_.joinable()) thread_.join();
    while (!jobs_.empty()) {
      refuse_(std::move(jobs_.front()));
      jobs_.pop_front();
    }
  }

 private:
  static constexpr std::size_t max_weight = 20'000;

  void loop() {
    name_this_thread("sqlite");
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool woken = wake_.wait_for(lock, std::chrono::seconds(1),
                                        [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      if (!woken) {
        lock.unlock();
        if (look_) look_();
        lock.lock();
        continue;
      }
      auto batch = take();
      lock.unlock();
      run_(std::move(batch));
      lock.lock();
    }
  }

  std::vector<Job> take() {
    std::vector<Job> batch;
    std::size_t weight = 0;
    do {
      const std::size_t next = jobs_.front().weight();
      if (!batch.empty() && (next == 0 || weight + next > max_weight)) break;
      weight += next;
      batch.push_back(std::move(jobs_.front()));
      jobs_.pop_front();
    } while (!jobs_.empty() && weight > 0);
    return batch;
  }

  const Run run_;
  const Refuse refuse_;
  const std::function<void()> look_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postoffice::sqlite
