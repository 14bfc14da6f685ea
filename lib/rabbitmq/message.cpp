#include "rabbitmq/message.hpp"

#include "base/bytes.hpp"
#include "base/mix64.hpp"
#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr std::byte version{2};
constexpr std::size_t checksum_at = 4;
constexpr std::size_t checksummed_from = 8;

std::uint32_t checksum_of(Bytes body) {
  return codec::crc32c(body.subspan(checksummed_from), codec::crc32c(body.first(checksum_at)));
}

bool is_ours(Bytes body) {
  if (body.size() < message_header_size || body[0] != version) return false;
  const auto type = std::to_integer<int>(body[1]);
  return type >= 1 && type <= 4 && get_little_endian<std::uint16_t>(body, 2) == 0 &&
         get_little_endian<std::uint32_t>(body, checksum_at) == checksum_of(body);
}

}  // namespace

void encode_message(const MessageHeader& header, std::span<const ObjectId> ids,
                    std::vector<std::byte>& out) {
  const auto begin = out.size();
  out.resize(begin + message_header_size);
  codec::encode_ids(ids, out);
  const auto at = std::span(out).subspan(begin);
  at[0] = version;
  at[1] = static_cast<std::byte>(header.type);
  put_little_endian(at, 2, std::uint16_t{0});
  put_little_endian(at, 8, header.publisher);
  put_little_endian(at, 16, header.session);
  put_little_endian(at, 24, header.sequence);
  put_little_endian(at, 32, static_cast<std::uint64_t>(header.stamp.time_since_epoch().count()));
  put_little_endian(at, checksum_at, checksum_of(at));
}

std::optional<MessageHeader> decode_message(Bytes body, std::vector<ObjectId>& ids) {
  if (!is_ours(body)) return {};
  if (!codec::decode_ids(body.subspan(message_header_size), ids)) return {};
  return header_of(body);
}

MessageHeader header_of(Bytes body) {
  MessageHeader header;
  header.type = static_cast<MessageType>(body[1]);
  header.publisher = get_little_endian<std::uint64_t>(body, 8);
  header.session = get_little_endian<std::uint64_t>(body, 16);
  header.sequence = get_little_endian<std::uint64_t>(body, 24);
  header.stamp =
      Timestamp(Duration(static_cast<std::int64_t>(get_little_endian<std::uint64_t>(body, 32))));
  return header;
}

std::size_t shard_of(ObjectId id, std::size_t shards) {
  return mix64(static_cast<std::uint64_t>(id)) % shards;
}

std::string shard_name(const std::string& prefix, int shard) {
  return prefix + "." + std::to_string(shard);
}

std::string dead_name(const std::string& prefix) { return prefix + ".dead"; }

}  // namespace postoffice::rabbitmq
