// What may wait for the network while it closes, off the loop.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <thread>
#include <utility>

namespace postoffice::cluster {

/// A thread for each task, joined once it has ended: by join_ended(), which whoever starts many
/// must call from time to time, or at the end.
///
/// Threads: its owner's only.
class ClosingThreads {
 public:
  ClosingThreads() = default;
  ClosingThreads(const ClosingThreads&) = delete;
  ClosingThreads& operator=(const ClosingThreads&) = delete;
  ~ClosingThreads() { join_all(); }

  void run(std::function<void()> task) {
    Closing& closing = closing_.emplace_back();
    closing.thread = std::thread([&ended = closing.ended, task = std::move(task)]() mutable {
      task();
      task = nullptr;  // what it holds is part of what is closed
      ended = true;
    });
  }

  /// Never waits.
  void join_ended() {
    closing_.remove_if([](Closing& closing) {
      if (!closing.ended) return false;
      closing.thread.join();
      return true;
    });
  }

  void join_all() {
    for (Closing& closing : closing_) closing.thread.join();
    closing_.clear();
  }

  std::size_t size() const { return closing_.size(); }

 private:
  struct Closing {
    std::atomic<bool> ended{false};
    std::thread thread;
  };

  std::list<Closing> closing_;
};

}  // namespace postoffice::cluster
