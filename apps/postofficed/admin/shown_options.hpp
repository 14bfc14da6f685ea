// The options as the pages show them; a reload replaces them.
#pragma once

#include <utility>
#include <vector>

#include "base/thread_annotations.hpp"
#include "options/options.hpp"

namespace postofficed {

/// May be used from any thread.
class ShownOptions {
 public:
  explicit ShownOptions(std::vector<ShownOption> options) : options_(std::move(options)) {}

  std::vector<ShownOption> get() const {
    const postoffice::LockGuard lock(mutex_);
    return options_;
  }

  void set(std::vector<ShownOption> options) {
    const postoffice::LockGuard lock(mutex_);
    options_ = std::move(options);
  }

 private:
  mutable postoffice::Mutex mutex_;
  std::vector<ShownOption> options_ GUARDED_BY(mutex_);
};

}  // namespace postofficed
