// The queue that the checks work on: the daemon's, with small files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "commands/self_test/child.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/system_clock.hpp"

namespace postofficed::self_test {

/// Its threads end with it; until then no child may be made.
class TrialQueue {
 public:
  explicit TrialQueue(const std::string& directory);

  postoffice::Failure error() const { return queue_ ? postoffice::Failure() : queue_.error(); }
  postoffice::FileQueue& queue() { return **queue_; }

  /// Made from `id`, such that what is read back can be told from anything else.
  static std::vector<postoffice::ObjectId> ids_of(postoffice::ObjectId id);

  /// Waits until it is done, up to a limit.
  Report append(postoffice::ObjectId id);

  /// Everything that was there when it was opened.
  std::map<postoffice::Sequence, std::vector<postoffice::ObjectId>> read_back();

 private:
  postoffice::EventLoop loop_;  // only the clock's; it does not run
  postoffice::SystemClock clock_;
  const postoffice::Result<std::unique_ptr<postoffice::FileQueue>> queue_;
};

/// What is wrong with a queue of which `accepted` was said; empty if nothing is. Forgets what it
/// holds if so told.
std::string missing(const std::string& directory, const std::vector<Report>& accepted, bool forget);

}  // namespace postofficed::self_test
