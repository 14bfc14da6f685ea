// Seam: where callbacks come in.
#pragma once

#include <functional>
#include <span>
#include <system_error>

#include "postoffice/queue.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

/// Takes callbacks from senders and tells each sender what became of its own.
class Ingress {
 public:
  /// What an ingress does with a callback it has read. May be called from any thread; `ids` are
  /// copied before it returns. Only after `done` without error may the sender be told "accepted".
  using Accept = std::function<void(std::span<const ObjectId> ids, Queue::AppendDone done)>;
  using StopDone = std::function<void()>;

  virtual ~Ingress() = default;

  /// Begins to accept callbacks. Called once. An error here is final (an address in use, say).
  virtual std::error_code start(Accept accept) = 0;

  /// Takes no new callback; those already read are still answered. `done` comes when all are.
  /// `accept` is not called any more after `done`.
  virtual void stop(StopDone done) = 0;
};

}  // namespace postoffice
