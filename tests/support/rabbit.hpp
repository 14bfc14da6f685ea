// A RabbitMQ broker for tests: where it is comes from the environment, and each test gets names of
// its own.
#pragma once

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include "postoffice/defaults/rabbit_queue.hpp"
#include "support/eventually.hpp"

namespace postoffice::testing {

/// What tests/support/rabbit_broker.sh sets, or a user with a broker at hand.
inline const char* rabbit_url() { return std::getenv("POSTOFFICE_TEST_RABBIT"); }

/// Options with names that no other test uses.
inline RabbitOptions rabbit_options(int shards = 1) {
  static int count = 0;
  if (rabbit_url() == nullptr) {
    throw std::runtime_error("POSTOFFICE_TEST_RABBIT is not set: run this beside a broker");
  }
  RabbitOptions options;
  options.url = rabbit_url();
  options.prefix = "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
  options.shards = shards;
  options.tick = std::chrono::milliseconds(20);
  return options;
}

/// `what`: kill, stop, restart, or ctl and what follows. Only for a broker that is the test's own.
inline void rabbit_broker(const std::string& what) {
  const char* directory = std::getenv("POSTOFFICE_TEST_BROKER");
  if (directory == nullptr) throw std::runtime_error("POSTOFFICE_TEST_BROKER is not set");
  const auto space = what.find(' ');
  const auto command = std::string(RABBIT_BROKER_SCRIPT) + " " + what.substr(0, space) + " " +
                       directory + (space == what.npos ? "" : what.substr(space)) +
                       " >/dev/null 2>&1 </dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

template <typename Condition>
bool within(std::chrono::milliseconds limit, Condition condition) {
  return eventually(condition, limit);
}

}  // namespace postoffice::testing
