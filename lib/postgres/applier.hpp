// Implements apply(): one transaction for each call.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "postgres/commits_ahead.hpp"
#include "postgres/completions.hpp"
#include "postgres/request.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// Shared with its requests, so that it exists until the last of them has ended.
class Applier : public std::enable_shared_from_this<Applier> {
 public:
  using Submit = std::function<void(Request)>;

  struct Parts {
    std::shared_ptr<Completions> completions;
    std::shared_ptr<CommitsAhead> commits;
    Submit submit;       ///< for writes, with the instance's fence if it has one
    Submit submit_bare;  ///< … without
  };

  explicit Applier(Parts parts) : parts_(std::move(parts)) {}

  /// Returns the task that sends these changes, to be run with the lock. The parameters are made in
  /// this call, on the caller's thread. Any thread.
  std::function<void()> task(const Changes& changes, ObjectStore::ApplyDone done);

  /// Whether the database can hold every text. Any thread.
  void set_unicode(bool unicode) { unicode_ = unicode; }

 private:
  struct Job;
  void finish(Job& job, const Failure& failure, const std::vector<Result>& results);
  void complete(const Job& job, const Failure& failure, Applied applied);

  const Parts parts_;
  std::atomic<bool> unicode_ = true;
};

}  // namespace postoffice::postgres
