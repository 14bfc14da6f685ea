#include "rabbitmq/publisher_state.hpp"

#include <cassert>

#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {

void PublisherState::opened() {
  assert(phase_ == Phase::closed && !blocked_);
  phase_ = ticks_ ? Phase::greeting : Phase::ready;
}

void PublisherState::greeted() {
  assert(ticks_ && phase_ != Phase::closed);
  phase_ = Phase::ready;
}

void PublisherState::closed() {
  phase_ = Phase::closed;
  blocked_ = false;
}

std::error_code PublisherState::refusal(bool needs_stamp, const Load& load) const {
  if (stopped_) return Error::stopped;
  if (needs_stamp && !ticks_) return Error::bad_options;
  if (hushed_) return Error::fenced;
  if (!ready() || blocked_) return Error::unavailable;
  const bool full = load.callbacks >= limits_.callbacks || load.messages > limits_.messages ||
                    load.bytes > limits_.bytes;
  return full ? Error::unavailable : std::error_code{};
}

}  // namespace postoffice::rabbitmq
