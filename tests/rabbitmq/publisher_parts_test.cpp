// What a publisher decides by, without a broker, a thread or a clock.
#include <doctest/doctest.h>

#include "postoffice/error.hpp"
#include "rabbitmq/publish_line.hpp"
#include "rabbitmq/publisher_report.hpp"
#include "rabbitmq/publisher_state.hpp"
#include "rabbitmq/queue_inspector.hpp"
#include "rabbitmq/refusal_watch.hpp"
#include "rabbitmq/stall_watch.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime start(1h);
constexpr PublisherState::Load nothing{0, 0, 0};

Sent round_of(std::uint32_t messages) { return {Kind::tick, 1, {}, 0, messages, start, {}}; }

}  // namespace

TEST_CASE(
    "a publisher accepts callbacks once it has greeted all shards, until the connection ends") {
  PublisherState state(true, {10, 20, 1'000});
  CHECK(state.refusal(true, nothing) == Error::unavailable);
  state.opened();
  CHECK(state.refusal(true, nothing) == Error::unavailable);
  CHECK(state.may_tick());
  CHECK_FALSE(state.may_say_goodbye());
  state.greeted();
  CHECK_FALSE(state.refusal(true, nothing));
  CHECK(state.may_say_goodbye());
  state.closed();
  CHECK(state.refusal(true, nothing) == Error::unavailable);
  state.opened();
  CHECK_FALSE(state.ready());
}

TEST_CASE("without ticks nobody is greeted, and what needs a stamp is refused") {
  PublisherState state(false, {10, 20, 1'000});
  state.opened();
  CHECK(state.ready());
  CHECK_FALSE(state.refusal(false, nothing));
  CHECK(state.refusal(true, nothing) == Error::bad_options);
  CHECK_FALSE(state.may_say_goodbye());
}

TEST_CASE("a full window, a full line and a blocked broker refuse; hushed and stopped, too") {
  PublisherState state(true, {10, 20, 1'000});
  state.opened();
  state.greeted();
  CHECK_FALSE(state.refusal(true, {9, 20, 1'000}));
  CHECK(state.refusal(true, {10, 20, 1'000}) == Error::unavailable);
  CHECK(state.refusal(true, {9, 21, 1'000}) == Error::unavailable);
  CHECK(state.refusal(true, {9, 20, 1'001}) == Error::unavailable);
  state.set_blocked(true);
  CHECK(state.refusal(true, nothing) == Error::unavailable);
  CHECK_FALSE(state.may_tick());
  CHECK_FALSE(state.may_say_goodbye());
  state.closed();  // the next one may not be blocked
  state.opened();
  CHECK(state.may_tick());
  state.set_hushed(true);
  CHECK(state.refusal(true, nothing) == Error::fenced);
  CHECK_FALSE(state.may_tick());
  state.stop();
  CHECK(state.refusal(true, nothing) == Error::stopped);
}

TEST_CASE("a refusal is over when a later round passes everywhere, and is told once (S9)") {
  RefusalWatch watch;
  CHECK_FALSE(watch.over());
  CHECK(watch.refused(start));
  CHECK_FALSE(watch.refused(start + 1s));
  watch.passed_everywhere(start + 500ms);  // sent before the last refusal
  CHECK(watch.on_this_connection());
  watch.passed_everywhere(start + 1001ms);
  CHECK_FALSE(watch.on_this_connection());
  CHECK(watch.lasts());
  CHECK(watch.over());
  CHECK_FALSE(watch.over());
  CHECK(watch.refused(start + 2s));
}

TEST_CASE("a broker that refuses is asked on another connection, more and more rarely (S9)") {
  RefusalWatch watch;
  auto now = start;
  for (const auto pause : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    watch.refused(now);
    CHECK(watch.next_renewal() == now + pause);
    CHECK_FALSE(watch.renew(now + pause - 1ms));
    now += pause;
    CHECK(watch.renew(now));
    CHECK_FALSE(watch.renew(now + 1h));  // once a connection
    watch.connection_ended();
    CHECK(watch.lasts());
    CHECK(watch.next_renewal() == SteadyTime::max());
  }
  CHECK(watch.over());
  watch.refused(now);
  CHECK(watch.next_renewal() == now + 2s);
}

TEST_CASE("a broker that confirms nothing for five seconds is noticed, once each five") {
  StallWatch watch;
  watch.progress(start);
  CHECK(watch.next() == start + 5s);
  CHECK_FALSE(watch.stalled(start + 4999ms));
  CHECK(watch.stalled(start + 5s));
  CHECK_FALSE(watch.stalled(start + 6s));
}

TEST_CASE("answers are told apart by their order; the last is about the dead queue") {
  QueueInspector inspector(2);
  inspector.begin(start);
  REQUIRE(inspector.ask(start, 0, 0));
  CHECK_FALSE(inspector.ask(start + 999ms, 0, 0));
  CHECK_FALSE(inspector.ask(start + 1s, 0, 0));  // not before all have been answered
  auto finding = inspector.hear({"", 10, 0});
  CHECK(finding.shard == 0);
  CHECK_FALSE(finding.consumed);
  finding = inspector.hear({"", 20, 1});
  CHECK(finding.shard == 1);
  CHECK(finding.consumed);
  finding = inspector.hear({"", 3, 0});
  CHECK(finding.dead == 3);
  CHECK_FALSE(finding.shard);
  CHECK_FALSE(inspector.hear({"", 3, 0}).dead);  // nobody asked
  CHECK(inspector.ask(start + 2s, 0, 0));
  inspector.begin(start + 3s);
  CHECK(inspector.ask(start + 3s, 0, 0));  // the old connection's are not waited for
}

TEST_CASE("messages that go from queues without a consumer are lost, if two rounds say so") {
  QueueInspector inspector(1);
  inspector.begin(start);
  std::uint64_t lost = 0;
  for (const unsigned messages : {100u, 60u, 60u, 30u}) {
    REQUIRE(inspector.ask(inspector.next_question(), 0, 0));
    inspector.hear({"", messages, 0});
    lost += inspector.hear({"", 0, 0}).lost;
  }
  CHECK(lost == 70);
}

TEST_CASE(
    "stamps rise although the clock is set back, and the last one is behind them all (S2, S6)") {
  PublishLine line({5, 6, true}, {"a", "b"}, 100);
  const Timestamp late(10s), early(3s);
  CHECK(line.stamp(late) == late);
  CHECK(line.stamp(early) == late);
  CHECK(line.last_stamp(early) > late);
  CHECK(line.last_stamp(late + 1s) > late + 1s);
}

TEST_CASE("a callback is one message in each shard that it has ids for; sequences rise by one") {
  PublishLine line({5, 6, true}, {"a", "b"}, 100);
  ObjectId other = 2;
  while (shard_of(other, 2) == shard_of(1, 2)) ++other;
  CHECK(line.put(Kind::callback, {}, std::vector<ObjectId>{1, other}, {}, start) == 101);
  CHECK(line.put(Kind::callback, {}, std::vector<ObjectId>{1}, {}, start) == 102);
  CHECK(line.put(Kind::callback, {}, {}, {}, start) == 103);
  line.put_ticks(Kind::tick, {}, {0, 1}, {}, start);
  PublishLine::Batch batch;
  line.swap(batch);
  CHECK(line.empty());
  REQUIRE(batch.sent.size() == 4);
  CHECK(batch.sent[0].messages == 2);
  CHECK(batch.sent[1].messages == 1);
  CHECK(batch.sent[2].messages == 1);
  CHECK(batch.sent[3].messages == 2);
  CHECK(batch.sent[3].sequence == 103);  // a tick takes none
  CHECK_FALSE(batch.bytes.empty());
}

TEST_CASE("ends are counted by what ended them; ticks are not callbacks") {
  PublisherReport report;
  report.ended({round_of(1), {}, false}, true, start);
  for (int i = 0; i < 4; ++i) report.taken();
  const auto end = [&](std::error_code error, bool nacked, bool open, SteadyTime now) {
    report.ended({{Kind::callback, 1, {}, 3, 1, start, {}}, error, nacked}, open, now);
  };
  end({}, false, true, start);
  end(Error::not_durable, true, true, start - 1s);
  end(Error::not_durable, false, true, start);
  end(Error::not_durable, false, false, start);
  const auto status = report.status(start);
  CHECK(status.unconfirmed == 0);
  CHECK(status.accepted_callbacks == 1);
  CHECK(status.accepted_ids == 3);
  CHECK(status.nacked == 1);
  CHECK(status.overdue == 1);
  CHECK(status.broken == 1);
}

TEST_CASE("a loss is told for ten minutes, and is news again after that") {
  PublisherReport report;
  CHECK(report.lost(1, start));
  CHECK_FALSE(report.lost(1, start + 9min));
  CHECK(report.status(start + 18min).losing);
  CHECK_FALSE(report.status(start + 19min).losing);
  CHECK(report.lost(1, start + 19min));
  CHECK(report.status(start + 19min).lost == 3);
  report.dead(5, start);
  CHECK_FALSE(report.status(start).dead_grows);
  report.dead(6, start);
  CHECK(report.status(start).dead_grows);
  CHECK(report.status(start).dead == 6);
}
