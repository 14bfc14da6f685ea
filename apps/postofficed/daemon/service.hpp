// What runs until it is told to stop: run, serve, worker.
#pragma once

#include <functional>

#include "exit_code.hpp"
#include "options/location.hpp"

namespace postofficed {

class Service {
 public:
  virtual ~Service() = default;

  /// Only the journal, the configuration and the listening sockets can make it fail.
  virtual Failure start() = 0;

  /// Connects as somebody else from the next time on, and at once where there is no connection.
  /// False if that is another place, not other credentials: then nothing happens. Any thread,
  /// after start().
  virtual bool use_credentials(const StoreLocation& store) = 0;
  virtual bool use_credentials(const QueueLocation& queue) = 0;

  /// Drains (S10). `done` comes once, from any thread.
  virtual void stop(std::function<void()> done) = 0;
};

}  // namespace postofficed
