// The bytes of docs/queue_format.md, version 2. A change here is a new version of the format.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "codec/id_sort.hpp"
#include "journal/format.hpp"

namespace postoffice::journal {
namespace {

using Ids = std::vector<ObjectId>;

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string hex(Bytes bytes) {
  std::string text;
  for (const auto byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

std::vector<std::byte> encoded(const Ids& ids) {
  std::vector<std::byte> payload;
  codec::encode_ids(ids, payload);
  return payload;
}

Ids sorted_ids(const Ids& ids) {
  Ids space;
  const auto found = codec::sort_ids(ids, space);
  return {found.begin(), found.end()};
}

Ids round_trip(const Ids& ids) {
  Ids out;
  REQUIRE(codec::decode_ids(encoded(ids), out));
  return out;
}

bool holds_its_ids(const Ids& ids) {
  return round_trip(ids) == ids && codec::count_ids(encoded(ids)) == ids.size();
}

/// Some near each other, some far off, in any proportion.
Ids any_ids(std::mt19937_64& random) {
  const auto near = random() % 64;
  const auto far = random() % 64;
  const auto one_in = 1 + random() % 20;
  const auto base = random();
  Ids ids(random() % 150);
  for (auto& id : ids) {
    const auto bits = random() % one_in == 0 ? far : near;
    id = static_cast<ObjectId>(base + (random() & ((2ull << bits) - 1)));
  }
  return sorted_ids(ids);
}

std::size_t json_size(const Ids& ids) {
  std::string body = "{\"object_ids\":[]}";
  for (const auto id : ids) body += std::to_string(id) + ",";
  return body.size() - 1;
}

std::size_t record_size(const Ids& ids) {
  RecordHeader header;
  header.payload_size = static_cast<std::uint32_t>(encoded(sorted_ids(ids)).size());
  return header.size();
}

}  // namespace

TEST_CASE("the checksum is CRC-32C, by tables and by instruction") {
  CHECK(codec::crc32c(bytes_of("123456789")) == 0xE3069283u);
  CHECK(codec::crc32c({}) == 0);
  const std::vector<std::byte> zeros(32);
  CHECK(codec::crc32c(zeros) == 0x8A9136AAu);
  CHECK(codec::crc32c(bytes_of("6789"), codec::crc32c(bytes_of("12345"))) == 0xE3069283u);
  if (!codec::has_crc32c_instruction()) return;
  std::mt19937 random(7);
  std::vector<std::byte> data(1000);
  for (auto& byte : data) byte = static_cast<std::byte>(random());
  for (std::size_t size = 0; size < data.size(); size += 1 + size / 9) {
    const auto part = Bytes(data).subspan(random() % 9 % (data.size() - size), size);
    CHECK(codec::crc32c_portable(part, 5) == codec::crc32c_instruction(part, 5));
  }
}

TEST_CASE("every list of ids comes back as it was") {
  constexpr auto least = std::numeric_limits<ObjectId>::min();
  constexpr auto greatest = std::numeric_limits<ObjectId>::max();
  for (const auto& ids : {Ids{}, Ids{0}, Ids{-1}, Ids{least}, Ids{greatest}, Ids{least, greatest},
                          Ids{least, least + 1, -1, 0, 1, greatest - 1, greatest}}) {
    CHECK(round_trip(ids) == ids);
  }
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5'000; ++round) CHECK(holds_its_ids(any_ids(random)));
  Ids many;
  for (int i = 0; i < 10'000; ++i) many.push_back(static_cast<ObjectId>(random()));
  std::sort(many.begin(), many.end());
  CHECK(round_trip(many) == many);
}

TEST_CASE(
    "a record takes at most 0.35 of the callback's JSON: 100 ids of up to a thousand million") {
  std::mt19937_64 random(3);
  for (std::uint64_t below = 100; below <= 1'000'000'000; below *= 10) {
    std::uint64_t json = 0;
    std::uint64_t records = 0;
    for (int callback = 0; callback < 100; ++callback) {
      Ids ids(100);
      for (auto& id : ids) id = static_cast<ObjectId>(random() % below);
      json += json_size(ids);
      records += record_size(ids);
    }
    CAPTURE(below);
    CHECK(static_cast<double>(records) / static_cast<double>(json) <= 0.35);
  }
}

TEST_CASE("ids close together stay small beside a few that are far off") {
  Ids ids(100);
  for (std::size_t i = 0; i < 98; ++i) ids[i] = static_cast<ObjectId>(1'000'000 + 3 * i);
  ids[98] = 1'000'000'000'000;
  ids[99] = 5'000'000'000'000'000'000;
  CHECK(static_cast<double>(record_size(ids)) / static_cast<double>(json_size(ids)) <= 0.15);
}

TEST_CASE("what is no list of ids is refused and leaves nothing behind") {
  const auto refused = [](std::vector<std::byte> payload) {
    Ids ids{42};
    return !codec::decode_ids(payload, ids) && ids == Ids{42};
  };
  const auto bytes = [](std::initializer_list<unsigned> values) {
    std::vector<std::byte> made;
    for (const auto value : values) made.push_back(static_cast<std::byte>(value));
    return made;
  };
  CHECK(refused(bytes({0x80})));                                   // ends inside a number
  CHECK(refused(std::vector<std::byte>(11, std::byte{0x80})));     // more than 64 bits
  CHECK(refused(bytes({0, 0})));                                   // none, but a first one
  CHECK(refused(bytes({1, 0, 0})));                                // one, and something after it
  CHECK(refused(bytes({2, 0})));                                   // ends before the second
  CHECK(refused(bytes({2, 0, 64, 0xff})));                         // no such order
  CHECK(refused(bytes({2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})));     // never ends
  CHECK(refused(bytes({2, 0, 0, 0x81})));                          // bits after the last
  CHECK(refused(bytes({2, 0, 0, 0x80, 0})));                       // a byte after the last
  CHECK(refused(bytes({0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0})));  // more than can be there
  auto beyond =
      encoded({std::numeric_limits<ObjectId>::max() - 1, std::numeric_limits<ObjectId>::max()});
  beyond.back() = std::byte{0x40};  // 010: two further instead of one
  CHECK(refused(beyond));           // past the greatest id
}

TEST_CASE("a damaged list of ids is refused, or is another list: nothing is read beyond it") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    auto payload = encoded(any_ids(random));
    for (auto flips = random() % 4; flips > 0 && !payload.empty(); --flips) {
      payload[random() % payload.size()] ^= static_cast<std::byte>(1u << random() % 8);
    }
    payload.resize(random() % (payload.size() + 1));
    // Of its own size, so that a sanitizer sees a byte too many.
    const std::vector<std::byte> exact(payload.begin(), payload.end());
    Ids ids;
    if (!codec::decode_ids(exact, ids)) continue;
    CHECK(ids.size() == codec::count_ids(exact));
    CHECK(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end());
  }
}

TEST_CASE("ids are sorted and distinct, however many there are and however far apart") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Ids space;
  for (int round = 0; round < 20'000; ++round) {
    const auto far = random() % 64;  // from all the same to all of 64 bits
    const auto base = random();
    Ids ids(round % 1'000 == 0 ? 60'000 + random() % 10'000 : random() % 260);
    for (auto& id : ids) id = static_cast<ObjectId>(base + (random() & ((2ull << far) - 1)));
    if (round % 3 == 0 && !ids.empty()) ids.back() = static_cast<ObjectId>(random());  // a far one
    auto expected = ids;
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    const auto sorted = codec::sort_ids(ids, space);
    REQUIRE(std::equal(sorted.begin(), sorted.end(), expected.begin(), expected.end()));
    CHECK(codec::sort_ids(expected, space).data() ==
          expected.data());  // in order already: not copied
  }
}

TEST_CASE("version 2 has these bytes") {
  SegmentHeader segment{0x1122334455667788,
                        3,
                        12,
                        1000,
                        11,
                        998,
                        8192,
                        Timestamp(Duration(1'700'000'000'000'000)),
                        0,
                        true};
  segment.seed = segment_seed(segment.queue, segment.number);
  std::array<std::byte, block_size> block{};
  encode(segment, block);
  CHECK(hex(Bytes(block).first(segment_header_size)) ==
        "504f53544a524e4c02000000639a83f28877665544332211"
        "03000000000000000c00000000000000e8030000000000000b00000000000000"
        "e603000000000000002000000000000000401e18240a0600c4c3ff3f01000000");
  CHECK(decode_segment_header(block) == segment);

  const std::array<ObjectId, 3> ids{-5, 7, 1000};
  std::vector<std::byte> payload;
  codec::encode_ids(ids, payload);
  CHECK(hex(payload) == "030904d83f00");

  std::array<std::byte, record_header_size> record_bytes{};
  const RecordHeader record{6, RecordType::requeued, codec::crc32c(payload), 17,
                            Timestamp(Duration(1'700'000'000'000'001))};
  encode(record, segment.seed, record_bytes);
  CHECK(hex(record_bytes) == "372d9dd906000002354e44461100000001401e18240a0600");
  CHECK(decode_record_header(record_bytes, segment.seed) == record);
  CHECK_FALSE(decode_record_header(record_bytes, segment.seed + 1));

  std::array<std::byte, batch_header_size> batch_bytes{};
  const BatchHeader batch{32, 1, 1017, 1016};
  encode(batch, segment.seed, batch_bytes);
  CHECK(hex(batch_bytes) == "425443483736c2712000000001000000f903000000000000f803000000000000");
  CHECK(decode_batch_header(batch_bytes, segment.seed) == batch);
  CHECK_FALSE(decode_batch_header(batch_bytes, segment.seed + 1));

  std::array<std::byte, cursor_size> cursor_bytes{};
  const Cursor cursor{segment.queue, 3, 900, 1017, segment.newest, 13};
  encode(cursor, cursor_bytes);
  CHECK(hex(cursor_bytes) ==
        "504f5354435552530200000081f77f408877665544332211"
        "03000000000000008403000000000000f90300000000000000401e18240a0600"
        "0d00000000000000");
  CHECK(decode_cursor(cursor_bytes) == cursor);
}

TEST_CASE("either copy of a segment's header is enough") {
  const SegmentHeader segment{1, 1, 1, 1, 0, 0, 0, {}, 9, false};
  std::array<std::byte, block_size> block{};
  encode(segment, block);
  for (const auto damaged : {std::size_t{0}, second_header_offset}) {
    auto copy = block;
    std::memset(copy.data() + damaged, 0xff, 100);
    CHECK(decode_segment_header(copy) == segment);
  }
  std::memset(block.data() + 40, 0xff, 1);
  std::memset(block.data() + second_header_offset + 40, 0xff, 1);
  CHECK_FALSE(decode_segment_header(block));
}

TEST_CASE("a header of a later version is known as such") {
  std::array<std::byte, cursor_size> bytes{};
  encode(Cursor{}, bytes);
  CHECK_FALSE(is_other_version(bytes));
  bytes[8] = std::byte{3};
  CHECK_FALSE(is_other_version(bytes));  // that is damage
  std::memset(bytes.data() + 12, 0, 4);
  const auto checksum = codec::crc32c(bytes);
  std::memcpy(bytes.data() + 12, &checksum, 4);
  CHECK(is_other_version(bytes));
}

TEST_CASE("segments are named so that they sort, and nothing else passes for one") {
  CHECK(segment_name(12) == "0000000000000012.journal");
  CHECK(parse_segment_name("0000000000000012.journal") == 12);
  CHECK_FALSE(parse_segment_name("12.journal"));
  CHECK_FALSE(parse_segment_name("0000000000000012.journal.tmp"));
  CHECK_FALSE(parse_segment_name("00000000000000x2.journal"));
  CHECK_FALSE(parse_segment_name("spare.ready"));
}

}  // namespace postoffice::journal
