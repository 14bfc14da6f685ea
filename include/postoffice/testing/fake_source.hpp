// A source that a test controls.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::testing {

/// Answers at once, on the caller's thread; after hold() it keeps the fetches until the test
/// releases them, in any order. It knows no time: a test that wants a fetch to time out completes
/// it with Error::timed_out.
class FakeSource final : public ObjectSource {
 public:
  using Answer = std::function<FetchResult(ObjectId)>;

  /// By default every object exists, and those with even ids are online.
  explicit FakeSource(Answer answer = [](ObjectId id) { return found(id, id % 2 == 0); })
      : answer_(std::move(answer)) {}

  /// Knows these objects and no others.
  explicit FakeSource(std::map<ObjectId, bool> objects)
      : FakeSource([objects = std::move(objects)](ObjectId id) {
          const auto object = objects.find(id);
          return object == objects.end() ? failed(Error::not_found) : found(id, object->second);
        }) {}

  ~FakeSource() override {
    for (auto& fetch : held_) fetch.done(failed(Error::stopped));
  }

  static FetchResult found(ObjectId id, bool online) {
    FetchResult result;
    result.id = id;
    result.online = online;
    return result;
  }

  static FetchResult failed(Error error) {
    FetchResult result;
    result.error = error;
    return result;
  }

  void fetch(ObjectId id, std::chrono::milliseconds, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(id);
      if (holding_) {
        held_.push_back({id, std::move(done)});
        return;
      }
    }
    done(answer_(id));
  }

  /// From now on fetches are held.
  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }

  /// Ends hold() and answers everything held, oldest first.
  void release() {
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
    }
    for (const ObjectId id : held()) complete(id);
  }

  /// The ids held, oldest first.
  std::vector<ObjectId> held() const {
    const std::lock_guard lock(mutex_);
    std::vector<ObjectId> ids;
    for (const auto& fetch : held_) ids.push_back(fetch.id);
    return ids;
  }

  /// Ends the oldest held fetch of `id`; false if there is none.
  bool complete(ObjectId id, FetchResult result) {
    Done done;
    {
      const std::lock_guard lock(mutex_);
      const auto fetch = std::find_if(held_.begin(), held_.end(),
                                      [id](const Held& each) { return each.id == id; });
      if (fetch == held_.end()) return false;
      done = std::move(fetch->done);
      held_.erase(fetch);
    }
    done(std::move(result));
    return true;
  }
  bool complete(ObjectId id) { return complete(id, answer_(id)); }

  /// Every id asked for, in that order.
  std::vector<ObjectId> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  struct Held {
    ObjectId id;
    Done done;
  };

  const Answer answer_;
  mutable std::mutex mutex_;
  bool holding_ = false;
  std::list<Held> held_;
  std::vector<ObjectId> asked_;
};

}  // namespace postoffice::testing
