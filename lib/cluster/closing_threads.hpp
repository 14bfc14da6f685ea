// Closes objects that may wait for the network, off the loop.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <thread>
#include <utility>

namespace postoffice::cluster {

/// One thread for each task. join_ended() joins those that have ended; an owner that starts many
/// must call it from time to time. The destructor joins the others.
///
/// Threads: the owner's only.
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
      task = nullptr;  // the objects that it holds are closed here, too
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
