// The few AMQP frames that are written often, and therefore cheaply: from templates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rabbitmq/message.hpp"

namespace postoffice::rabbitmq {

inline constexpr std::uint16_t channel = 1;  // the only one that is opened
inline constexpr std::size_t frame_overhead = 8;

using Buffer = std::vector<std::byte>;

/// basic.publish to one queue through the default exchange, persistent and mandatory.
class PublishFrames {
 public:
  explicit PublishFrames(const std::string& queue);

  /// Appends all frames of one message. `frame_max` is the largest frame the broker takes; `label`,
  /// up to 255 bytes, is its message-id.
  void put(const MessageHeader& header, std::span<const ObjectId> ids, std::string_view label,
           std::size_t frame_max, Buffer& out) const;

 private:
  Buffer template_;  // method and content header up to the label; the body's size is at size_at_
  std::size_t header_at_;
  std::size_t size_at_;
};

void put_acknowledge(std::uint64_t tag, Buffer& out);  ///< basic.ack of everything up to it
void put_reject(std::uint64_t tag, Buffer& out);       ///< basic.reject, not to be requeued
/// queue.declare, passive: the broker answers how many messages wait, and how many consumers it
/// has.
void put_question(const std::string& queue, Buffer& out);
void put_heartbeat(Buffer& out);
void put_close(Buffer& out);  ///< connection.close, with no error

}  // namespace postoffice::rabbitmq
