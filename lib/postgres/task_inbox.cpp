#include "postgres/task_inbox.hpp"

#include <asio/post.hpp>
#include <utility>

namespace postoffice::postgres {

TaskInbox::TaskInbox(asio::io_context& context, std::shared_ptr<Completions> completions,
                     Task handed_over)
    : context_(context),
      completions_(std::move(completions)),
      handed_over_(std::move(handed_over)) {}

void TaskInbox::add(Task task) {
  if (tasks_.put(std::move(task))) schedule();
}

void TaskInbox::wake() {
  if (tasks_.ring()) schedule();
}

void TaskInbox::end(std::unique_lock<std::mutex>& lock) {
  stopped_ = true;
  do {
    completions_->run_to_the_end(lock);
  } while (run_tasks());
}

void TaskInbox::schedule() {
  asio::post(context_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    std::unique_lock lock(self->completions_->mutex);
    if (self->stopped_) return;
    self->run_tasks();
    self->handed_over_();
    self->completions_->run_and_unlock(std::move(lock));
  });
}

// False if there were none.
bool TaskInbox::run_tasks() {
  const auto tasks = tasks_.take_all();
  for (const Task& task : tasks) task();
  return !tasks.empty();
}

}  // namespace postoffice::postgres
