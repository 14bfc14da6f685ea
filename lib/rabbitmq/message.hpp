// The body of a message. Format: docs/rabbit_format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::rabbitmq {

using Bytes = std::span<const std::byte>;

enum class MessageType : std::uint8_t { callback = 1, carried = 2, tick = 3, goodbye = 4 };

struct MessageHeader {
  MessageType type = MessageType::callback;
  std::uint64_t publisher = 0;
  std::uint64_t session = 0;
  Sequence sequence = 0;
  Timestamp stamp{};

  friend bool operator==(const MessageHeader&, const MessageHeader&) = default;
};

inline constexpr std::size_t message_header_size = 40;

/// Appends the whole body. The ids must be sorted and distinct.
void encode_message(const MessageHeader& header, std::span<const ObjectId> ids,
                    std::vector<std::byte>& out);

/// Nothing if the body is not in our format. Appends the ids to `ids`, or leaves it as it was.
std::optional<MessageHeader> decode_message(Bytes body, std::vector<ObjectId>& ids);

/// It names ids, for the first time or requeued.
inline bool is_callback(MessageType type) {
  return type == MessageType::callback || type == MessageType::carried;
}

/// Of a body that decode_message() has accepted.
MessageHeader header_of(Bytes body);

/// The shard that an id belongs to.
std::size_t shard_of(ObjectId id, std::size_t shards);

std::string shard_name(const std::string& prefix, int shard);
std::string dead_name(const std::string& prefix);

}  // namespace postoffice::rabbitmq
