// The way of what is asked of a store, from any thread to its loop.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/mailbox.hpp"
#include "postgres/completions.hpp"

namespace postoffice::postgres {

/// Tasks are run on the loop in the order they came, with the lock of `completions` held; however
/// many came meanwhile, the loop is woken once.
class TaskInbox : public std::enable_shared_from_this<TaskInbox> {
 public:
  using Task = std::function<void()>;

  /// `handed_over` is called behind the tasks of each turn, with the lock held.
  TaskInbox(asio::io_context& context, std::shared_ptr<Completions> completions, Task handed_over);

  /// Any thread.
  void add(Task task);

  /// A turn comes, with or without tasks. Any thread.
  void wake();

  /// The end of the store, whose connections were stopped with the same lock: all that has come,
  /// and what its completions ask for, has failed when it returns. From then on nothing is run.
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
