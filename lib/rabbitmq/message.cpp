#include "rabbitmq/message.hpp"

#include "journal/crc32c.hpp"
#include "journal/id_codec.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr std::byte version{2};
constexpr std::size_t checksum_at = 4;
constexpr std::size_t checksummed_from = 8;

void put(std::byte* at, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}

std::uint64_t get(const std::byte* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
  return value;
}

std::uint32_t checksum_of(Bytes body) {
  return journal::crc32c(body.subspan(checksummed_from), journal::crc32c(body.first(checksum_at)));
}

bool is_ours(Bytes body) {
  if (body.size() < message_header_size || body[0] != version) return false;
  const auto type = std::to_integer<int>(body[1]);
  return type >= 1 && type <= 4 && get(&body[2], 2) == 0 &&
         get(&body[checksum_at], 4) == checksum_of(body);
}

}  // namespace

void encode_message(const MessageHeader& header, std::span<const ObjectId> ids,
                    std::vector<std::byte>& out) {
  const auto begin = out.size();
  out.resize(begin + message_header_size);
  journal::encode_ids(ids, out);
  std::byte* at = out.data() + begin;
  at[0] = version;
  at[1] = static_cast<std::byte>(header.type);
  put(at + 2, 0, 2);
  put(at + 8, header.publisher, 8);
  put(at + 16, header.session, 8);
  put(at + 24, header.sequence, 8);
  put(at + 32, static_cast<std::uint64_t>(header.stamp.time_since_epoch().count()), 8);
  put(at + checksum_at, checksum_of(Bytes(out).subspan(begin)), 4);
}

std::optional<MessageHeader> decode_message(Bytes body, std::vector<ObjectId>& ids) {
  if (!is_ours(body)) return {};
  if (!journal::decode_ids(body.subspan(message_header_size), ids)) return {};
  MessageHeader header;
  header.type = static_cast<MessageType>(body[1]);
  header.publisher = get(&body[8], 8);
  header.session = get(&body[16], 8);
  header.sequence = get(&body[24], 8);
  header.stamp = Timestamp(Duration(static_cast<std::int64_t>(get(&body[32], 8))));
  return header;
}

std::size_t shard_of(ObjectId id, std::size_t shards) {
  auto x = static_cast<std::uint64_t>(id);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) % shards;
}

std::string shard_name(const std::string& prefix, int shard) {
  return prefix + "." + std::to_string(shard);
}

std::string dead_name(const std::string& prefix) { return prefix + ".dead"; }

}  // namespace postoffice::rabbitmq
