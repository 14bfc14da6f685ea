// What the broker says once a connection is set up.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "rabbitmq/message.hpp"

namespace postoffice::rabbitmq {

using SteadyTime = std::chrono::steady_clock::time_point;
using SteadyDuration = std::chrono::steady_clock::duration;

/// What is in a queue, and who takes it out.
struct QueueAnswer {
  std::string queue;
  std::uint32_t messages = 0;  ///< not delivered to anybody
  std::uint32_t consumers = 0;
};

class FrameSink {
 public:
  virtual void on_confirm(std::uint64_t /*tag*/, bool /*multiple*/) {}
  virtual void on_nack(std::uint64_t /*tag*/, bool /*multiple*/) {}
  virtual void on_return(Bytes /*body*/) {}
  /// `label`: the message's id, if it has one.
  virtual void on_deliver(std::uint64_t /*tag*/, bool /*redelivered*/, std::string_view /*label*/,
                          Bytes /*body*/) {}
  /// Instead of on_deliver(): its body was too large to be kept.
  virtual void on_huge(std::uint64_t /*tag*/, std::uint64_t /*size*/) {}
  virtual void on_blocked(bool /*blocked*/) {}
  virtual void on_answer(const QueueAnswer& /*answer*/) {}  ///< to put_question()

 protected:
  ~FrameSink() = default;
};

}  // namespace postoffice::rabbitmq
