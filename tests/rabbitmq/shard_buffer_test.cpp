#include "rabbitmq/shard_buffer.hpp"

#include <doctest/doctest.h>

#include "postoffice/testing/manual_clock.hpp"
#include "rabbitmq/frames.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;

namespace {

constexpr std::uint64_t own_session = 5;

Timestamp at(int time) { return Timestamp(Duration(time)); }

struct Clocked {
  testing::ManualClock clock;
};

struct Shard : Clocked, ShardBuffer {
  Shard() : ShardBuffer(own_session, 8, clock) {}
  void arrive(MessageType type, int time, std::vector<ObjectId> ids = {}, std::uint64_t session = 1,
              Sequence sequence = 0) {
    Buffer body;
    encode_message({type, 9, session, sequence, at(time)}, ids, body);
    CHECK(add(body));
  }
  void callback(int time, std::vector<ObjectId> ids) {
    arrive(MessageType::callback, time, std::move(ids));
  }
  void tick(int time) { arrive(MessageType::tick, time); }
};

}  // namespace

TEST_CASE_FIXTURE(Shard, "the frontier passes a callback once the reader has it, not before (S6)") {
  tick(10);
  CHECK(progress().frontier == at(10));
  callback(11, {1});
  tick(20);
  CHECK(progress().frontier == at(10));
  const auto delivery = pop(100);
  CHECK(delivery.entries.size() == 1);
  tick(21);
  CHECK(progress().frontier == at(10));
  handed();
  CHECK(progress().frontier == at(21));
  CHECK(watermarks().heard_before(Timestamp::max()) == std::vector<std::uint64_t>{9});
}

TEST_CASE_FIXTURE(Shard, "acknowledging a callback takes the ticks behind it along, no callback") {
  tick(1);
  CHECK(acknowledgeable() == 1);
  callback(2, {1});
  tick(3);
  callback(4, {2});
  tick(5);
  CHECK_FALSE(acknowledgeable());
  pop(100);
  handed();
  acknowledge(1);
  CHECK(acknowledgeable() == 3);
  CHECK_FALSE(acknowledgeable());
  tick(6);
  CHECK_FALSE(acknowledgeable());
  acknowledge(99);
  CHECK(progress().acknowledged == 2);
  CHECK(acknowledgeable() == 6);
  tick(7);
  CHECK(acknowledgeable() == 7);
}

TEST_CASE_FIXTURE(Shard, "what was rejected is not acknowledged, too") {
  callback(1, {1});
  CHECK_FALSE(add({}));
  pop(100);
  handed();
  acknowledge(1);
  CHECK(acknowledgeable() == 1);
  tick(2);
  CHECK(acknowledgeable() == 3);
}

TEST_CASE_FIXTURE(Shard, "on a new channel callbacks come again with new sequences (S10)") {
  callback(1, {1});
  const auto first = pop(1).entries.at(0).sequence;
  handed();
  callback(2, {2, 3});
  CHECK(progress().accepted_ids == 3);
  begin_channel();
  CHECK(progress().accepted_ids == 1);
  CHECK_FALSE(ready());
  callback(1, {1});
  callback(2, {2, 3});
  CHECK(progress().accepted_ids == 4);
  const auto again = pop(100);
  handed();
  REQUIRE(again.entries.size() == 2);
  CHECK(again.entries[0].sequence == first + 1);
  CHECK(again.ids == std::vector<ObjectId>{1, 2, 3});
  acknowledge(first);
  CHECK_FALSE(acknowledgeable());
  acknowledge(first + 2);
  CHECK(acknowledgeable() == 2);
}

TEST_CASE_FIXTURE(Shard, "what this session carries forward says so; that of others does not") {
  arrive(MessageType::carried, 3, {1}, own_session, 40);
  arrive(MessageType::carried, 4, {2}, own_session + 1, 41);
  const auto delivery = pop(100);
  handed();
  REQUIRE(delivery.entries.size() == 2);
  CHECK(delivery.entries[0].carried);
  CHECK(delivery.entries[0].receipt == 40);
  CHECK_FALSE(delivery.entries[1].carried);
  CHECK(progress().accepted_ids == 1);
  CHECK(progress().frontier == Timestamp::min());
}

TEST_CASE_FIXTURE(Shard, "nothing is read before its append is done") {
  hold(40);
  arrive(MessageType::carried, 3, {1}, own_session, 40);
  callback(5, {2});
  tick(6);
  CHECK_FALSE(ready());
  CHECK(progress().frontier == Timestamp::min());
  release(40);
  CHECK(ready());
  CHECK(pop(100).entries.size() == 2);
}

TEST_CASE_FIXTURE(Shard, "a delivery holds about as many ids as asked for") {
  for (int i = 0; i < 5; ++i) callback(i, {1, 2, 3});
  CHECK(pop(7).entries.size() == 2);
  handed();
  CHECK(pop(1).entries.size() == 1);
  handed();
  const auto rest = pop(100);
  CHECK(rest.entries.size() == 2);
  CHECK(rest.ids == std::vector<ObjectId>{1, 2, 3, 1, 2, 3});
}

TEST_CASE_FIXTURE(Shard, "what is carried forward is there with its confirm, and once only (S9)") {
  callback(1, {7});
  pop(100);
  handed();
  hold(40);
  CHECK_FALSE(ready());
  release_requeued(40, at(1), std::vector<ObjectId>{7});
  REQUIRE(ready());
  const auto delivery = pop(100);
  handed();
  REQUIRE(delivery.entries.size() == 1);
  CHECK(delivery.entries[0].carried);
  CHECK(delivery.entries[0].receipt == 40);
  CHECK(delivery.entries[0].received_at == at(1));
  acknowledge(1);
  CHECK(acknowledgeable() == 1);
  callback(2, {8});
  arrive(MessageType::carried, 1, {7}, own_session, 40);  // the broker's copy
  const auto rest = pop(100);
  handed();
  CHECK(rest.ids == std::vector<ObjectId>{8});
  acknowledge(2);
  CHECK_FALSE(acknowledgeable());
  acknowledge(3);
  CHECK(acknowledgeable() == 3);
}

TEST_CASE_FIXTURE(Shard, "what is carried forward survives a reconnect, its copy comes or not") {
  hold(40);
  callback(2, {8});
  release_requeued(40, at(1), std::vector<ObjectId>{7});
  begin_channel();
  REQUIRE(ready());
  const auto delivery = pop(100);
  handed();
  REQUIRE(delivery.entries.size() == 1);
  CHECK(delivery.entries[0].receipt == 40);
  CHECK(delivery.ids == std::vector<ObjectId>{7});
  callback(2, {8});
  arrive(MessageType::carried, 1, {7}, own_session, 40);
  CHECK(pop(100).ids == std::vector<ObjectId>{8});
}

TEST_CASE_FIXTURE(Shard,
                  "a copy that came early and went with its channel is not waited for (S9)") {
  hold(40);
  arrive(MessageType::carried, 1, {7}, own_session, 40);
  begin_channel();
  CHECK_FALSE(ready());
  release_requeued(40, at(1), std::vector<ObjectId>{7});
  REQUIRE(ready());
  CHECK(pop(100).ids == std::vector<ObjectId>{7});
  handed();
  arrive(MessageType::carried, 1, {7}, own_session, 40);
  CHECK_FALSE(ready());
  acknowledge(1);
  CHECK(acknowledgeable() == 1);
}

TEST_CASE_FIXTURE(Shard, "a window that is nearly full says what should be acknowledged") {
  for (int i = 0; i < 6; ++i) callback(i, {i});
  CHECK(progress().acknowledge_target == 0);
  callback(6, {6});
  CHECK(progress().acknowledge_target == 4);
  pop(100);
  handed();
  acknowledge(4);
  acknowledgeable();
  CHECK(progress().acknowledge_target == 0);
}
