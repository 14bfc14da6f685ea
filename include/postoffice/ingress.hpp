// Seam: where callbacks come in.
#pragma once

#include <functional>
#include <span>
#include <system_error>

#include "postoffice/queue.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

/// Takes callbacks from senders and tells each sender whether its callback was accepted.
class Ingress {
 public:
  /// What an ingress does with a callback it has read. May be called from any thread; `ids` are
  /// copied before it returns. The sender may be told "accepted" only after `done` was called
  /// without error.
  using Accept = std::function<void(std::span<const ObjectId> ids, Queue::AppendDone done)>;
  using StopDone = std::function<void()>;

  virtual ~Ingress() = default;

  /// Begins to accept callbacks. Called once. An error is final (an address in use, for example).
  virtual std::error_code start(Accept accept) = 0;

  /// Takes no new callbacks; those already read are still answered. `done` is called when all are
  /// answered, and `accept` is not called after that.
  virtual void stop(StopDone done) = 0;
};

}  // namespace postoffice
