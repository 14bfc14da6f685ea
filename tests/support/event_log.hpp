// Keeps what a part logs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postoffice/log.hpp"

namespace postoffice::testing {

class EventLog {
 public:
  Log log() { return log_; }

  std::size_t count(const std::string& part) const {
    flush(log_, std::chrono::seconds(5));
    const std::lock_guard lock(state_->mutex);
    std::size_t found = 0;
    for (const std::string& message : state_->messages) found += message.find(part) != message.npos;
    return found;
  }

  std::string all() const {
    flush(log_, std::chrono::seconds(5));
    const std::lock_guard lock(state_->mutex);
    std::string text;
    for (const std::string& message : state_->messages) text += message + "\n";
    return text;
  }

 private:
  struct State {
    std::mutex mutex;
    std::vector<std::string> messages;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  Log log_ = log_in_background([state = state_](const LogLine& line) {
    if (line.level == LogLevel::debug) return;
    const std::lock_guard lock(state->mutex);
    state->messages.emplace_back(line.text);
  });
};

}  // namespace postoffice::testing
