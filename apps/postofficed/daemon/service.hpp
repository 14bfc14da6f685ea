// What runs until it is told to stop: run, serve, worker.
#pragma once

#include <functional>

#include "exit_code.hpp"

namespace postofficed {

class Service {
 public:
  virtual ~Service() = default;

  /// Only the journal, the configuration and the listening sockets can make it fail.
  virtual Failure start() = 0;

  /// Drains (S10). `done` comes once, from any thread.
  virtual void stop(std::function<void()> done) = 0;
};

}  // namespace postofficed
