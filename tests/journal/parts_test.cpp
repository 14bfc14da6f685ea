// The decisions of a file queue that need neither disk nor threads.
#include <doctest/doctest.h>

#include <array>

#include "base/bytes.hpp"
#include "journal/punctuality.hpp"
#include "journal/read_progress.hpp"

namespace postoffice::journal {
namespace {

using namespace std::chrono_literals;

Timestamp at(int seconds) { return Timestamp(std::chrono::seconds(seconds)); }

Punctuality::Time time(std::chrono::milliseconds since) { return Punctuality::Time(1h + since); }

ReadProgress five_appended() {
  ReadProgress progress(0, {}, {});
  for (int i = 1; i <= 5; ++i) progress.appended(static_cast<Sequence>(i), at(i));
  return progress;
}

TEST_CASE("bytes have the order they are asked for") {
  std::array<std::byte, 10> bytes{};
  put_little_endian(bytes, 1, std::uint32_t{0x01020304});
  CHECK(bytes[1] == std::byte{4});
  CHECK(bytes[4] == std::byte{1});
  CHECK(get_little_endian<std::uint32_t>(bytes, 1) == 0x01020304);
  CHECK(get_big_endian<std::uint32_t>(bytes, 1) == 0x04030201);
  put_big_endian(bytes, 2, std::uint64_t{0xF102030405060708});
  CHECK(bytes[2] == std::byte{0xF1});
  CHECK(get_big_endian<std::uint64_t>(bytes, 2) == 0xF102030405060708);
  put_big_endian(bytes, 0, std::uint8_t{9});
  CHECK(get_little_endian<std::uint8_t>(bytes, 0) == 9);
}

TEST_CASE(
    "what is being handed over waits until it has been, and is kept until it is acknowledged") {
  auto progress = five_appended();
  progress.begin_handing(3);
  CHECK(progress.oldest_waiting() == at(1));
  progress.note_handed();
  CHECK(progress.oldest_waiting() == at(4));
  CHECK(progress.oldest_kept() == at(1));
  CHECK(progress.acknowledge(5));
  CHECK(progress.acknowledged() == 3);  // no further than was handed over
  CHECK_FALSE(progress.acknowledge(2));
  CHECK(progress.oldest_kept() == at(4));
}

TEST_CASE("nobody waits for burned sequences, and an acknowledgement covers those behind it") {
  auto progress = five_appended();
  progress.burn(3, 4);
  CHECK(progress.acknowledged() == 0);
  progress.begin_handing(2);
  progress.note_handed();
  CHECK(progress.oldest_waiting() == at(5));
  CHECK(progress.acknowledge(2));
  CHECK(progress.acknowledged() == 4);
}

TEST_CASE("what is missing is told without what is known never to be read") {
  auto progress = five_appended();
  progress.burn(2, 2);
  progress.burn(4, 4);
  const auto missing = progress.not_burned(1, 5);
  REQUIRE(missing.size() == 3);
  CHECK(missing[0].last == 1);
  CHECK(missing[1].first == 3);
  CHECK(missing[1].last == 3);
  CHECK(missing[2].first == 5);
  CHECK(progress.not_burned(4, 4).empty());
}

TEST_CASE("after a late flush one that is in time is waited for") {
  Punctuality punctuality;
  punctuality.append_waits(time(0ms));
  punctuality.flush_begins();
  CHECK(punctuality.overdue_for(time(800ms)) == 0us);
  CHECK(punctuality.overdue_for(time(801ms)) == 801ms);
  punctuality.flush_ended(true, time(900ms));
  punctuality.flusher_rests();
  CHECK(punctuality.overdue());
  CHECK(punctuality.overdue_for(time(5s)) == 0us);
  punctuality.append_waits(time(5s));
  punctuality.flush_begins();
  punctuality.flush_ended(true, time(5s + 10ms));
  CHECK_FALSE(punctuality.overdue());
}

TEST_CASE("a cursor that takes long counts only while no flush has been in time since") {
  Punctuality punctuality;
  punctuality.cursor_begins(time(0ms));
  CHECK(punctuality.overdue_for(time(1s)) == 1s);
  punctuality.append_waits(time(1s));
  punctuality.flush_begins();
  punctuality.flush_ended(true, time(1s + 10ms));  // late is what the cursor still shows
  punctuality.flusher_rests();
  CHECK(punctuality.overdue_for(time(2s)) == 0us);
  punctuality.cursor_ended(true, time(2s));
  CHECK_FALSE(punctuality.overdue());
}

}  // namespace
}  // namespace postoffice::journal
