// Why a one-shot command failed: parts give the reason in their log, and the error code alone says
// too little.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "postoffice/log.hpp"

namespace postofficed {

class LastWarning {
 public:
  /// For the part. It may outlive this.
  const postoffice::Log& log() const { return log_; }

  /// The newest warning logged so far; empty: there was none.
  std::string get() const {
    postoffice::flush(log_, std::chrono::seconds(1));
    const std::lock_guard lock(state_->mutex);
    return state_->text;
  }

 private:
  struct State {
    std::mutex mutex;
    std::string text;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
  // In the background already, so that the part uses it as it is and get() can wait for it.
  postoffice::Log log_ = postoffice::log_in_background(
      postoffice::Log([state = state_](postoffice::LogLevel level, std::string_view text) {
        if (level < postoffice::LogLevel::warning) return;
        const std::lock_guard lock(state->mutex);
        state->text = text;
      }));
};

}  // namespace postofficed
