// Bytes on their way into a socket that takes some at a time.
#pragma once

#include <cassert>

#include "rabbitmq/frames.hpp"

namespace postoffice::rabbitmq {

class SendBuffer {
 public:
  Buffer& end() { return bytes_; }  ///< append here
  Bytes unsent() const { return Bytes(bytes_).subspan(sent_); }

  /// The socket has taken so many. What was sent goes once it is more than half.
  void sent(std::size_t count) {
    assert(count <= bytes_.size() - sent_);
    sent_ += count;
    if (sent_ <= bytes_.size() / 2) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }

 private:
  Buffer bytes_;
  std::size_t sent_ = 0;
};

}  // namespace postoffice::rabbitmq
