// Fetching from a test: waiting for results, and counting them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "postoffice/object_source.hpp"

namespace postoffice::testing {

using namespace std::chrono_literals;

/// Fetches and waits. Throws when no completion comes for a long time.
inline FetchResult fetch_now(ObjectSource& source, ObjectId id,
                             std::chrono::milliseconds timeout = 5s) {
  auto result = std::make_shared<std::promise<FetchResult>>();
  auto future = result->get_future();
  source.fetch(id, timeout, [result](FetchResult r) { result->set_value(std::move(r)); });
  if (future.wait_for(30s) != std::future_status::ready) throw std::runtime_error("no completion");
  return future.get();
}

/// Collects the results of many fetches. Must outlive them.
class Collector {
 public:
  ObjectSource::Done done_for(ObjectId id) {
    return [this, id](FetchResult result) {
      const std::lock_guard lock(mutex_);
      results_[id].push_back(std::move(result));
      ++count_;
      changed_.notify_all();
    };
  }

  /// Waits for `count` completions in all; false if they take too long.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return count_ >= count; });
  }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  /// Results by the id asked for. Only when nothing is on its way.
  const std::map<ObjectId, std::vector<FetchResult>>& results() const { return results_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
  std::map<ObjectId, std::vector<FetchResult>> results_;
};

}  // namespace postoffice::testing
