// Passes tasks of a store from any thread to its loop.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/mailbox.hpp"
#include "postgres/completions.hpp"

namespace postoffice::postgres {

/// Tasks are run on the loop in the order they came, with the lock of `completions` held; the loop
/// is woken once for all tasks that came meanwhile.
class TaskInbox : public std::enable_shared_from_this<TaskInbox> {
 public:
  using Task = std::function<void()>;

  /// `handed_over` is called after the tasks of each turn, with the lock held.
  TaskInbox(asio::io_context& context, std::shared_ptr<Completions> completions, Task handed_over);

  /// Any thread.
  void add(Task task);

  /// Causes a turn, with or without tasks. Any thread.
  void wake();

  /// Ends the inbox after the connections were stopped under the same lock: when it returns, all
  /// tasks, including those that completions added, have failed. From then on no task is run.
  void end(std::unique_lock<std::mutex>& lock);

 private:
  void schedule();
  bool run_tasks();

  asio::io_context& context_;
  const std::shared_ptr<Completions> completions_;
  const Task handed_over_;
  Mailbox<Task> tasks_;
  bool stopped_ = false;
};

}  // namespace postoffice::postgres
