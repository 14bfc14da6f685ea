#include "rabbitmq/message.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <random>

#include "rabbitmq/frames.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;

namespace {

const MessageHeader some{MessageType::carried, 0x1122334455667788, 0x99aabbccddeeff00, 42,
                         Timestamp(Duration(1'600'000'000'000'000))};

}  // namespace

TEST_CASE("a message's bytes are those of the format") {
  Buffer body;
  encode_message({MessageType::callback, 1, 2, 3, Timestamp(Duration(4))},
                 std::vector<ObjectId>{5, 6}, body);
  REQUIRE(body.size() == 44);
  const auto byte = [&](std::size_t at) { return std::to_integer<int>(body[at]); };
  CHECK(byte(0) == 2);
  CHECK(byte(1) == 1);
  CHECK(byte(8) == 1);
  CHECK(byte(16) == 2);
  CHECK(byte(24) == 3);
  CHECK(byte(32) == 4);
  CHECK(byte(40) == 2);
  CHECK(byte(41) == 10);
  CHECK(byte(42) == 0);
  CHECK(byte(43) == 0x80);
}

TEST_CASE("what was encoded is decoded") {
  const std::vector<std::vector<ObjectId>> lists = {
      {},
      {0},
      {-1, 0, 1},
      {std::numeric_limits<ObjectId>::min(), std::numeric_limits<ObjectId>::max()}};
  for (const auto& ids : lists) {
    Buffer body;
    encode_message(some, ids, body);
    std::vector<ObjectId> decoded;
    const auto header = decode_message(body, decoded);
    REQUIRE(header);
    CHECK(*header == some);
    CHECK(decoded == ids);
  }
}

TEST_CASE("no damaged byte, missing end or foreign message is taken for one of ours") {
  Buffer body;
  encode_message(some, std::vector<ObjectId>{1, 2, 3}, body);
  std::vector<ObjectId> ids;
  for (std::size_t at = 0; at < body.size(); ++at) {
    auto damaged = body;
    damaged[at] ^= std::byte{0x10};
    CHECK_FALSE(decode_message(damaged, ids));
    CHECK_FALSE(decode_message(Bytes(body).first(at), ids));
  }
  CHECK(ids.empty());
}

TEST_CASE("ids are spread over the shards evenly, and always in the same way") {
  // Pinned: all processes must agree.
  CHECK(shard_of(0, 8) == 0);
  CHECK(shard_of(1, 8) == 5);
  CHECK(shard_of(-1, 8) == 3);
  CHECK(shard_of(1'000'000'007, 8) == 0);
  std::map<std::size_t, int> counts;
  for (ObjectId id = 0; id < 80'000; ++id) ++counts[shard_of(id, 8)];
  REQUIRE(counts.size() == 8);
  for (const auto& [shard, count] : counts) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
}

TEST_CASE("a body larger than a frame is cut into pieces that fit") {
  std::vector<ObjectId> ids(1'000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i) << 20;
  const PublishFrames frames("queue");
  Buffer whole;
  Buffer cut;
  frames.put(some, ids, "label", 131'072, whole);
  frames.put(some, ids, "label", 512, cut);
  Buffer body;
  std::size_t pieces = 0;
  for (std::size_t at = 0; at < cut.size();) {
    const auto size =
        std::to_integer<std::size_t>(cut[at + 5]) << 8 | std::to_integer<std::size_t>(cut[at + 6]);
    CHECK(size + frame_overhead <= 512);
    CHECK(cut[at + 7 + size] == std::byte{0xce});
    if (cut[at] == std::byte{3}) {
      ++pieces;
      body.insert(body.end(), cut.begin() + static_cast<long>(at + 7),
                  cut.begin() + static_cast<long>(at + 7 + size));
    }
    at += size + frame_overhead;
  }
  CHECK(pieces > 2);
  std::vector<ObjectId> decoded;
  CHECK(decode_message(body, decoded));
  CHECK(decoded == ids);
  CHECK(whole.size() < cut.size());
}
